import { arch, platform } from 'node:process';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What the server says it is. */
export const gitVersion = 'v1.36.0+kumulus';

/** `version.Info` of apimachinery; `goVersion` and `compiler` name what runs it. */
export function versionInfo(): Record<string, string> {
  return {
    major: '1',
    minor: '36',
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2026-04-22T00:00:00Z',
    goVersion: `node${process.version}`,
    compiler: 'node',
    platform: `${platform}/${architectures[arch] ?? arch}`,
  };
}
