import {
  AGENT_ID,
  COLD_PATH,
  CSI_DRIVER_NAME,
  GROUP_VERSION,
  HOT_PATH,
  LABEL_MANAGED_BY,
  LABEL_SANDBOX,
  LABEL_USER,
  MANAGED_BY,
  SANDBOX_CONTAINER,
} from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import type { EnvVar } from '../api/pod-settings.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import { workspaceId } from '../api/workspace-id.ts';
import { uidOf } from './seen.ts';

const HOME_VOLUME = 'home';

/**
 * The pod a Sandbox gets: one unprivileged container that passes Pod Security `restricted`, with no API token, no
 * link to other services and no credential. CPU and memory are what the Sandbox or its template says, nothing of ours.
 */
export const desiredPod = (sandbox: Sandbox, template: SandboxTemplate): Pod => {
  const { name, namespace } = sandbox.metadata;
  const resources = sandbox.spec.resources ?? template.spec.resources;
  const { runtimeClassName } = template.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        [LABEL_MANAGED_BY]: MANAGED_BY,
        [LABEL_SANDBOX]: name,
        [LABEL_USER]: workspaceId(sandbox.spec.userId),
      },
      ownerReferences: [
        {
          apiVersion: GROUP_VERSION,
          kind: 'Sandbox',
          name,
          uid: uidOf(sandbox),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      restartPolicy: 'Always',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostname: name,
      terminationGracePeriodSeconds: template.spec.terminationGracePeriodSeconds,
      ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: AGENT_ID,
        runAsGroup: AGENT_ID,
        // The node driver gives the home to the agent itself; an emptyDir is root's without this.
        ...(sandbox.spec.workspace.ephemeral ? { fsGroup: AGENT_ID } : {}),
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: SANDBOX_CONTAINER,
          image: sandbox.spec.image ?? template.spec.image,
          imagePullPolicy: template.spec.imagePullPolicy,
          workingDir: HOT_PATH,
          env: environment(sandbox, template),
          ...(resources === undefined ? {} : { resources }),
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: HOME_VOLUME, mountPath: HOT_PATH }],
        },
      ],
      volumes: [{ name: HOME_VOLUME, ...homeVolume(sandbox) }],
    },
  };
};

const homeVolume = (sandbox: Sandbox) =>
  sandbox.spec.workspace.ephemeral
    ? { emptyDir: {} }
    : { csi: { driver: CSI_DRIVER_NAME, volumeAttributes: { tier: 'hot' } } };

/** The Sandbox's variables win over the template's, the product's own over both. */
const environment = (sandbox: Sandbox, template: SandboxTemplate): readonly EnvVar[] => {
  const own: readonly EnvVar[] = [
    { name: 'SANDBOX_ID', value: sandbox.metadata.name },
    { name: 'USER_ID', value: sandbox.spec.userId },
    { name: 'HOT_PATH', value: HOT_PATH },
    { name: 'COLD_PATH', value: COLD_PATH },
    { name: 'HOME', value: HOT_PATH },
  ];
  const byName = new Map(
    [...(template.spec.env ?? []), ...(sandbox.spec.env ?? []), ...own].map(({ name, value }) => [name, value]),
  );
  return [...byName].map(([name, value]) => ({ name, value }));
};
