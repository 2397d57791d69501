/** Semantic versions 2.0.0: `1.2.3-rc.1+build`. */
const pattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-.]+)?$/;

export function isVersion(text: string): boolean {
  return pattern.test(text);
}

/** Less than, equal to or greater than 0, by the precedence of semver.org (section 11). */
export function compareVersions(a: string, b: string): number {
  const [, ...as] = pattern.exec(a) ?? [];
  const [, ...bs] = pattern.exec(b) ?? [];
  for (let i = 0; i < 3; i++) {
    const difference = Number(as[i]) - Number(bs[i]);
    if (difference !== 0) return difference;
  }
  // A pre-release comes before its release.
  if (!as[3] || !bs[3]) return Number(Boolean(bs[3])) - Number(Boolean(as[3]));
  return comparePreReleases(as[3].split('.'), bs[3].split('.'));
}

function comparePreReleases(a: string[], b: string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return Number(part) - Number(other);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return a.length - b.length;
}
