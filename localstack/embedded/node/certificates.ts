import {
  clientCertificateFile,
  clientCertificateOf,
  servingCertificateFile,
  servingCertificateOf,
} from '../../../node-agent/identity/index.ts';
import type { Pki } from '../pki.ts';
import type { AgentAccess, NodePlace } from './node.ts';

/**
 * An agent of the cluster in this process. It starts with certificates that the cluster's authority has signed for it, so that
 * a start waits for no controller, and renews them itself, as the agent of a machine that joined does.
 */
export function accessByCertificates(pki: Pki, server: string): (node: NodePlace) => Promise<AgentAccess> {
  return async ({ name, nodeIp, dir: { agentState } }) => {
    for (const [file, usage, wanted] of [
      [clientCertificateFile(agentState), 'client', clientCertificateOf(name)],
      [servingCertificateFile(agentState), 'server', servingCertificateOf(name, [nodeIp])],
    ] as const) {
      const current = file.current();
      const pair = await pki.renewed(current, { ...wanted, usages: [usage] });
      if (pair !== current) file.put(pair);
    }
    return { config: { server, certificateAuthority: pki.caFile, rotateCertificates: true } };
  };
}
