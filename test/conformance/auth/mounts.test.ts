/** What containers find of identities and of what to trust, on a real node. */
import { describe } from 'vitest';
import { whyNoContainers } from '../../support/containerd.ts';
import { useRealNode } from '../support/real-node.ts';
import { certificateMounts } from './certificate-mounts.ts';
import { tokenMounts } from './token-mounts.ts';
import { trustBundleMounts } from './trust-bundle-mounts.ts';

const reason = whyNoContainers();

describe
  .skipIf(reason !== undefined)
  .concurrent(`mounts of identities${reason ? ` (${reason})` : ''}`, () => {
    const node = useRealNode();
    tokenMounts(node);
    certificateMounts(node);
    trustBundleMounts(node);
  });
