/**
 * Which controllers run, after kube-controller-manager's `--controllers`: `*` stands for all, `foo` for one, `-foo`
 * takes one away. Names nobody has are refused.
 */
export function selectControllers(names: readonly string[], known: readonly string[]): Set<string> {
  const unknown = names
    .map((name) => name.replace(/^-/, ''))
    .filter((name) => name !== '*' && !known.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(
      `controllers: Invalid value: "${unknown.join(',')}": is not in the list of known controllers (${known.join(', ')})`,
    );
  }
  return new Set(
    known.filter((name) => !names.includes(`-${name}`) && (names.includes('*') || names.includes(name))),
  );
}
