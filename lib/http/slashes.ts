const slash = '/'.charCodeAt(0);

/** `/healthz/**` without the character at its end, however often it stands there: `/healthz/`. */
export function withoutEnd(text: string, character: string): string {
  const code = character.charCodeAt(0);
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === code) end--;
  return text.slice(0, end);
}

/** Takes time that grows with the text; what `replace(/\/+$/, '')` takes grows with its square where slashes stand inside. */
export function withoutEndSlashes(text: string): string {
  return withoutEnd(text, '/');
}

/** `/api//v1/` → `api//v1` */
export function withoutOuterSlashes(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === slash) start++;
  return withoutEndSlashes(text.slice(start));
}
