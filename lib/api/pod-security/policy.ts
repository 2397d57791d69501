/**
 * What a namespace asks of its pods: a level of the Pod Security Standards for each of three modes, as its labels
 * `pod-security.kubernetes.io/<mode>` and `…/<mode>-version` say (KEP-2579).
 */
import { type FieldError, invalidValue } from '../validate/field-error.ts';
import { Path } from '../validate/path.ts';

export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** The minor version of Kubernetes whose controls are meant; infinity for `latest`. */
export type PolicyVersion = number;

export interface LevelVersion {
  level: Level;
  version: PolicyVersion;
}

export const modes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof modes)[number];
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const labelPrefix = 'pod-security.kubernetes.io/';
export const latest: PolicyVersion = Number.POSITIVE_INFINITY;

/** `baseline:v1.30`, `restricted:latest` */
export function levelVersionText({ level, version }: LevelVersion): string {
  return `${level}:${version === latest ? 'latest' : `v1.${version}`}`;
}

/** Undefined where the text is no level. */
export function parseLevel(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

/** `latest` or `v1.<minor>`; undefined where the text is neither. */
export function parseVersion(text: string): PolicyVersion | undefined {
  if (text === 'latest') return latest;
  const [, minor] = /^v1\.(\d|[1-9]\d*)$/.exec(text) ?? [];
  return minor === undefined ? undefined : Number(minor);
}

/** More than zero where the first is stricter. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

export function sameLevelVersion(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

export function isPrivileged(policy: Policy): boolean {
  return modes.every((mode) => policy[mode].level === 'privileged');
}

const labelsPath = Path.of('metadata', 'labels');

/**
 * The policy of a namespace with these labels. There always is one: what cannot be read counts as `restricted` where
 * it is enforced, and as `privileged` where it is only told of. Without a level of its own, warnings follow what is
 * enforced where that is stricter.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const policy = {
    enforce: { ...defaults.enforce },
    audit: { ...defaults.audit },
    warn: { ...defaults.warn },
  };
  if (!labels) return { policy, errors };
  for (const mode of modes) {
    const levelLabel = labels[labelPrefix + mode];
    if (levelLabel !== undefined) {
      const level = parseLevel(levelLabel);
      policy[mode].level = level ?? (mode === 'enforce' ? 'restricted' : 'privileged');
      if (!level) {
        errors.push(
          invalidValue(labelsPath.key(labelPrefix + mode), levelLabel, `must be one of ${levels.join(', ')}`),
        );
      }
    }
    const label = `${labelPrefix}${mode}-version`;
    const versionLabel = labels[label];
    if (versionLabel !== undefined) {
      const version = parseVersion(versionLabel);
      policy[mode].version = version ?? latest;
      if (version === undefined) {
        errors.push(invalidValue(labelsPath.key(label), versionLabel, 'must be "latest" or "v1.x"'));
      }
    }
  }
  const enforced = parseLevel(labels[`${labelPrefix}enforce`] ?? '');
  const saysHowToWarn = labels[`${labelPrefix}warn`] !== undefined;
  if (enforced && !saysHowToWarn && compareLevels(enforced, policy.warn.level) > 0) {
    policy.warn.level = enforced;
    if (labels[`${labelPrefix}warn-version`] === undefined) policy.warn.version = policy.enforce.version;
  }
  return { policy, errors };
}
