import { posix } from 'node:path';
import {
  AGENT_ID,
  COLD_PATH,
  COLD_VOLUME_PATH,
  CSI_DRIVER_NAME,
  FACADE_AUDIENCE,
  FACADE_TOKEN_PATH,
  GROUP_VERSION,
  HOT_PATH,
  LABEL_EGRESS,
  LABEL_MANAGED_BY,
  LABEL_SANDBOX,
  LABEL_TEMPLATE,
  LABEL_USER,
  MANAGED_BY,
  SANDBOX_CONTAINER,
} from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import type { EnvVar } from '../api/pod-settings.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import { workspaceId } from '../api/workspace-id.ts';
import type { Installation } from './observed.ts';
import { uidOf } from './seen.ts';

const HOME_VOLUME = 'home';
const COLD_VOLUME = 'cold';
const TOKEN_VOLUME = 'facade-token';
/** With these, and no more, sudo and apt do their work as root of a user namespace; the baseline profile allows them. */
const ROOTS_CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];
const LABEL_VALUE = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
/** kubelet renews it when four fifths are over. */
const TOKEN_SECONDS = 3600;

/**
 * The pod a Sandbox gets: one unprivileged container that passes Pod Security `restricted`, with no API token, no link to
 * other services and no credential but one: a token that tells the facade, and nobody else, which pod is asking. CPU and
 * memory are what the Sandbox or its template says, nothing of ours. A template with `security.sudo` gets what `restricted`
 * forbids, in a user namespace.
 */
export const desiredPod = (sandbox: Sandbox, template: SandboxTemplate, installation: Installation = {}): Pod => {
  const { name, namespace } = sandbox.metadata;
  const resources = sandbox.spec.resources ?? template.spec.resources;
  const { runtimeClassName, security } = template.spec;
  const sudo = security?.sudo === true;
  const hasCold = wantsCold(sandbox, template, installation);
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
        ...templateLabels(template),
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
      restartPolicy: sandbox.spec.restartPolicy ?? 'Always',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      hostname: name,
      terminationGracePeriodSeconds: template.spec.terminationGracePeriodSeconds,
      ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
      ...(sudo ? { hostUsers: false } : {}),
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
          env: environment(sandbox, template, installation),
          ...(resources === undefined ? {} : { resources }),
          // Added to the bounding set alone: the agent itself has none, only what is setuid root.
          securityContext: {
            allowPrivilegeEscalation: sudo,
            capabilities: { drop: ['ALL'], ...(sudo ? { add: ROOTS_CAPABILITIES } : {}) },
          },
          volumeMounts: [
            { name: HOME_VOLUME, mountPath: HOT_PATH },
            ...(hasCold ? [COLD_MOUNT] : []),
            { name: TOKEN_VOLUME, mountPath: posix.dirname(FACADE_TOKEN_PATH), readOnly: true },
          ],
        },
      ],
      volumes: [{ name: HOME_VOLUME, ...homeVolume(sandbox) }, ...(hasCold ? [coldVolume(template)] : []), TOKEN],
    },
  };
};

/** What NetworkPolicies select by. */
const templateLabels = ({ metadata: { name }, spec: { network } }: SandboxTemplate) => ({
  ...(LABEL_VALUE.test(name) ? { [LABEL_TEMPLATE]: name } : {}),
  // An allow-list opens what it names to a pod that is closed.
  ...(network === undefined || network.egress === 'Internet' ? {} : { [LABEL_EGRESS]: 'none' }),
});

const homeVolume = (sandbox: Sandbox) =>
  sandbox.spec.workspace.ephemeral
    ? { emptyDir: {} }
    : { csi: { driver: CSI_DRIVER_NAME, volumeAttributes: { tier: 'hot' } } };

const wantsCold = (sandbox: Sandbox, template: SandboxTemplate, { hasCold = false }: Installation): boolean =>
  hasCold &&
  !sandbox.spec.workspace.ephemeral &&
  template.spec.cold?.enabled !== false &&
  // rclone's mounts cannot be mapped to the ids of a user namespace.
  template.spec.security?.sudo !== true;

const coldVolume = ({ spec: { cold } }: SandboxTemplate) => {
  const mountedBy = cold?.driver === undefined || cold.driver === 'rclone' ? {} : { driver: cold.driver };
  return { name: COLD_VOLUME, csi: { driver: CSI_DRIVER_NAME, volumeAttributes: { tier: 'cold', ...mountedBy } } };
};

/** What is mounted in it later, or again after a crash, is seen by the running container. */
const COLD_MOUNT = { name: COLD_VOLUME, mountPath: COLD_VOLUME_PATH, mountPropagation: 'HostToContainer' };

/** Whether cold storage is a part of this pod. */
export const hasColdVolume = (pod: Pod): boolean => {
  const volumes = pod.spec?.['volumes'];
  return Array.isArray(volumes) && volumes.some((volume: { readonly name?: unknown }) => volume.name === COLD_VOLUME);
};

const TOKEN = {
  name: TOKEN_VOLUME,
  projected: {
    sources: [
      {
        serviceAccountToken: {
          audience: FACADE_AUDIENCE,
          expirationSeconds: TOKEN_SECONDS,
          path: posix.basename(FACADE_TOKEN_PATH),
        },
      },
    ],
  },
};

/** A variable that kubelet fills in. */
interface FieldVar {
  readonly name: string;
  readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
}

/** The Sandbox's variables win over the template's, the product's own over both. */
const environment = (
  sandbox: Sandbox,
  template: SandboxTemplate,
  { facadeUrl, sandboxdKeys }: Installation,
): readonly (EnvVar | FieldVar)[] => {
  const own: readonly (EnvVar | FieldVar)[] = [
    { name: 'SANDBOX_ID', value: sandbox.metadata.name },
    { name: 'USER_ID', value: sandbox.spec.userId },
    { name: 'HOT_PATH', value: HOT_PATH },
    { name: 'COLD_PATH', value: COLD_PATH },
    { name: 'HOME', value: HOT_PATH },
    { name: 'MATRX_TOKEN_FILE', value: FACADE_TOKEN_PATH },
    { name: 'MATRX_POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    ...(facadeUrl === undefined ? [] : [{ name: 'ORCHESTRATOR_URL', value: facadeUrl }]),
    ...(sandboxdKeys === undefined ? [] : [{ name: 'MATRX_SANDBOXD_KEYS', value: sandboxdKeys }]),
  ];
  const given = [...(template.spec.env ?? []), ...(sandbox.spec.env ?? [])];
  return [...new Map([...given, ...own].map((variable) => [variable.name, variable])).values()];
};
