import { arch, platform } from 'node:process';
import { kubernetesVersion } from '../../lib/version.ts';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * `version.Info` of apimachinery; `goVersion` and `compiler` name what runs it. No older version is emulated (KEP-4330),
 * and a rollback reaches one minor version back.
 */
export function versionInfo(): Record<string, string> {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion: kubernetesVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.version}`,
    compiler: 'node',
    platform: `${platform}/${architectures[arch] ?? arch}`,
  };
}
