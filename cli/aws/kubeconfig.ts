import { join } from 'node:path';
import { stringify } from 'yaml';

export interface StackKubeconfig {
  stack: string;
  region: string;
  server: string;
  role?: string;
  /** PEM; absent: the system's authorities, which know AWS'. */
  certificateAuthority?: string;
  /** Put into the plugin's environment, so that it asks where this was asked: endpoints and the profile, no secrets. */
  environment: Record<string, string>;
}

const root = join(import.meta.dirname, '../..');

/** A kubeconfig without any secret: `kumulus token` signs with the credentials of whoever uses it. */
export function renderStackKubeconfig(options: StackKubeconfig): string {
  const { stack, region, server, role, certificateAuthority, environment } = options;
  const name = stack === 'Kumulus' ? 'kumulus' : `kumulus-${stack}`;
  const ca = certificateAuthority && Buffer.from(certificateAuthority).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server, ...(ca && { 'certificate-authority-data': ca }) } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      users: [
        {
          name,
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: join(root, 'node_modules/node/bin/node'),
              args: [
                '--disable-warning=ExperimentalWarning',
                join(root, 'cli/token.ts'),
                '--stack',
                stack,
                '--region',
                region,
                ...(role ? ['--role', role] : []),
              ],
              env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
              interactiveMode: 'Never',
              installHint: 'kumulus token needs the Kumulus project and its npm packages: run npm ci there',
            },
          },
        },
      ],
    },
    { lineWidth: 0 },
  );
}
