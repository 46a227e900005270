import { createHash } from 'node:crypto';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import { canonicalJson } from '../base/json.ts';
import { desiredPod } from './desired-pod.ts';

/** The longest hash of which a few characters are enough to tell one spec from the one before. */
const LENGTH = 16;

/**
 * What people have written of a pod, as a hash. What the installation adds is left out: a controller with other settings
 * has no reason to replace a pod.
 */
export const podRevision = (sandbox: Sandbox, template: SandboxTemplate): string => {
  const { metadata, spec } = desiredPod(sandbox, template);
  const { allowList } = template.spec.network ?? {};
  return createHash('sha256')
    .update(canonicalJson([metadata.labels ?? {}, spec ?? {}, ...(allowList === undefined ? [] : [allowList])]))
    .digest('hex')
    .slice(0, LENGTH);
};
