/**
 * `$(NAME)` in commands, arguments and variables becomes the variable's value; `$$(NAME)` is how to write it
 * literally; what is not defined stays as it is written (API reference, Container v1: `command`).
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(reference, (written: string, name: string | undefined, end: string | undefined) => {
    if (name === undefined) return '$';
    // What is never closed reaches to the end of the text.
    return end ? (variables.get(name) ?? written) : `$(${name.replaceAll('$$', () => '$')}`;
  });
}

/** The names that stand in a text, whether there are such variables or not. */
export function referencesIn(text: string): string[] {
  return [...text.matchAll(reference)].flatMap(([, name, end]) => (name !== undefined && end ? [name] : []));
}

/** It takes what is not closed too, so that it is not looked for again from each `$(` inside of it. */
const reference = /\$\$|\$\(([^)]*)(\)?)/g;
