import type { Json } from '../../src/base/json.ts';

/** The image of the installation. */
export const INSTALLED_IMAGE = '<image>';

/** What each field is changed to while a sandbox runs, so that its next pod runs, too. */
export const GOOD_VALUES: Readonly<Record<string, Json>> = {
  'Sandbox spec.desiredState': 'Running',
  'Sandbox spec.image': INSTALLED_IMAGE,
  'Sandbox spec.resources.requests.cpu': '10m',
  'Sandbox spec.resources.requests.memory': '16Mi',
  'Sandbox spec.resources.requests.ephemeral-storage': '1Mi',
  'Sandbox spec.resources.limits.cpu': 1,
  'Sandbox spec.resources.limits.memory': '256Mi',
  'Sandbox spec.resources.limits.ephemeral-storage': '256Mi',
  'Sandbox spec.env[].name': 'COLOR',
  'Sandbox spec.env[].value': 'blue',
  'Sandbox spec.config': { theme: 'dark' },
  'Sandbox spec.restartPolicy': 'Always',
  'Sandbox spec.progressDeadlineSeconds': 86_400,
  'Sandbox spec.lifetime.ttlSeconds': 31_536_000,
  'Sandbox spec.lifetime.idleSeconds': 86_400,
  'Sandbox spec.lifetime.heartbeatSeconds': 86_400,
  'Sandbox spec.lifetime.onExpire': 'Suspend',
  'Sandbox spec.lifetime.retainSeconds': 0,
  'Workspace spec.deletionPolicy': 'Retain',
  'Workspace spec.conflictsSeen': 0,
  'SandboxTemplate spec.image': INSTALLED_IMAGE,
  'SandboxTemplate spec.imagePullPolicy': 'Never',
  'SandboxTemplate spec.resources.requests.cpu': '20m',
  'SandboxTemplate spec.resources.requests.memory': '32Mi',
  'SandboxTemplate spec.resources.requests.ephemeral-storage': '2Mi',
  'SandboxTemplate spec.resources.limits.cpu': 2,
  'SandboxTemplate spec.resources.limits.memory': '512Mi',
  'SandboxTemplate spec.resources.limits.ephemeral-storage': '512Mi',
  'SandboxTemplate spec.env[].name': 'SHAPE',
  'SandboxTemplate spec.env[].value': 'round',
  'SandboxTemplate spec.cold.enabled': false,
  'SandboxTemplate spec.cold.driver': 'rclone',
  'SandboxTemplate spec.security.sudo': false,
  'SandboxTemplate spec.network.egress': 'AllowList',
  'SandboxTemplate spec.network.allowList[].cidr': '203.0.113.0/24',
  'SandboxTemplate spec.network.allowList[].ports[].protocol': 'UDP',
  'SandboxTemplate spec.network.allowList[].ports[].port': 443,
  'SandboxTemplate spec.network.allowList[].ports[].endPort': 444,
  'SandboxTemplate spec.allowedOverrides.images[]': '*',
  'SandboxTemplate spec.allowedOverrides.env[]': 'COLOR',
  'SandboxTemplate spec.allowedOverrides.resources': true,
  'SandboxTemplate spec.allowedOverrides.maxResources.cpu': 2,
  'SandboxTemplate spec.allowedOverrides.maxResources.memory': '1Gi',
  'SandboxTemplate spec.allowedOverrides.maxResources.ephemeral-storage': '1Gi',
  'SandboxTemplate spec.terminationGracePeriodSeconds': 2,
};

/** What it takes a person to put right. */
export const MISTAKES: readonly (readonly [field: string, value: Json])[] = [
  ['Sandbox spec.image', 'localhost:1/no-such-image:1'],
  ['Sandbox spec.templateRef.name', 'no-such-template'],
  ['Sandbox spec.resources.requests.cpu', 1000],
  ['Workspace spec.restore.sequence', 999],
  ['SandboxTemplate spec.image', 'localhost:1/Upper-Case:1'],
  ['SandboxTemplate spec.runtimeClassName', 'no-such-runtime'],
  ['SandboxTemplate spec.resources.limits.memory', '1000Ti'],
];

/** Refused by the API server, or a part of what is among the others. */
export const NOT_BY_ITSELF: readonly string[] = [
  'Sandbox spec.userId',
  'Sandbox spec.workspace.name',
  'Sandbox spec.workspace.ephemeral',
  'Workspace spec.userId',
  'Workspace spec.name',
  'Workspace spec.restore.requestId',
  'Workspace spec.restore.manifest',
];
