/**
 * `$(NAME)` in commands, arguments and variables becomes the variable's value; `$$(NAME)` is how to write it
 * literally; what is not defined stays as it is written (API reference, Container v1: `command`).
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (written, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? written),
  );
}
