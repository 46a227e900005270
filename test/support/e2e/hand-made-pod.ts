import type { ObjectMeta } from '../../../src/api/meta.ts';
import { AGENT_ID, CSI_DRIVER_NAME, HOT_PATH, SANDBOX_CONTAINER } from '../../../src/api/names.ts';

/**
 * A pod as somebody would write it who wants another user's files: it passes Pod Security `restricted`, and asks the
 * workspace driver for a volume with whatever `attributes` claim.
 */
export const handMadePod = (
  metadata: ObjectMeta,
  image: string,
  attributes: Readonly<Record<string, string>>,
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: AGENT_ID,
      runAsGroup: AGENT_ID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: SANDBOX_CONTAINER,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['sleep', '3600'],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'home', mountPath: HOT_PATH }],
      },
    ],
    volumes: [{ name: 'home', csi: { driver: CSI_DRIVER_NAME, volumeAttributes: attributes } }],
  },
});
