/** Equality of API values as apimachinery's `Semantic.DeepEqual` sees it: null, absent and empty lists are the same. */
export function semanticEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (isAbsent(one) || isAbsent(other)) return isAbsent(one) && isAbsent(other);
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((item, index) => semanticEqual(item, other[index]));
  }
  const left = one as Record<string, unknown>;
  const right = other as Record<string, unknown>;
  for (const key of Object.keys(left)) if (!semanticEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (!(key in left) && !isAbsent(right[key])) return false;
  return true;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Equality of label and annotation maps; an absent one is empty. */
export function sameMap(
  one: Record<string, string> | undefined,
  other: Record<string, string> | undefined,
): boolean {
  return semanticEqual(one ?? {}, other ?? {});
}

/** Fields of templates that hold maps: empty ones say as little as absent ones. Of structs the presence can mean something. */
const mapFields = new Set([
  'annotations',
  'labels',
  'limits',
  'matchLabels',
  'nodeSelector',
  'options',
  'overhead',
  'requests',
  'volumeAttributes',
]);

/** Equality of templates, in which a patch may have left maps without entries behind. */
export function equalTemplates(one: unknown, other: unknown): boolean {
  return semanticEqual(one, other) || semanticEqual(withoutEmptyMaps(one), withoutEmptyMaps(other));
}

function withoutEmptyMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyMaps);
  if (typeof value !== 'object' || value === null) return value;
  const isEmptyMap = ([key, inner]: [string, unknown]) =>
    mapFields.has(key) && typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0;
  return Object.fromEntries(
    Object.entries(value)
      .filter((entry) => !isEmptyMap(entry))
      .map(([key, inner]) => [key, withoutEmptyMaps(inner)]),
  );
}
