const slash = '/'.charCodeAt(0);

/** Takes time that grows with the text; what `replace(/\/+$/, '')` takes grows with its square where slashes stand inside. */
export function withoutEndSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === slash) end--;
  return text.slice(0, end);
}

/** `/api//v1/` → `api//v1` */
export function withoutOuterSlashes(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === slash) start++;
  return withoutEndSlashes(text.slice(start));
}
