/**
 * Whether `pattern` is the path, or ends with stars and is what the path begins with: `/healthz/*` is everything below
 * `/healthz/` (`nonResourceURLs` of RBAC and of an audit policy).
 */
export function coversPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  // Not by a regular expression: with stars inside it takes the square of the length.
  let end = pattern.length;
  while (pattern[end - 1] === '*') end--;
  return end < pattern.length && path.startsWith(pattern.slice(0, end));
}
