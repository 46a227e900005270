import { ConfigError } from './load.ts';

/** Settings of the original product that have no meaning here, and what takes their place. */
const RETIRED: Readonly<Record<string, string>> = {
  MATRX_DOCKER_NETWORK: 'sandboxes are pods: use a NetworkPolicy in their namespace',
  MATRX_DATABASE_URL: 'the Kubernetes API is the registry of sandboxes: there is nothing to set',
  MATRX_SANDBOX_STORE: 'the Kubernetes API is the registry of sandboxes: there is nothing to set',
  MATRX_SANDBOX_IMAGE: 'set spec.image of the SandboxTemplate "default"',
  MATRX_CONTAINER_CPU_LIMIT: 'set spec.resources.limits.cpu of the SandboxTemplate "default"',
  MATRX_CONTAINER_MEMORY_LIMIT: 'set spec.resources.limits.memory of the SandboxTemplate "default"',
  MATRX_CONTAINER_DISK_LIMIT: 'homes are on the disk of their node: there is no limit to set in this version',
  MATRX_MAX_SESSION_DURATION_SECONDS: "set a Sandbox's spec.lifetime.ttlSeconds",
  MATRX_SHUTDOWN_TIMEOUT_SECONDS:
    'set spec.terminationGracePeriodSeconds of the SandboxTemplate "default"; a home is saved however long that takes',
  MATRX_HEALTHCHECK_INTERVAL_SECONDS: 'kubelet checks containers: there is nothing to set',
  MATRX_COMMAND_TIMEOUT_SECONDS: 'send "timeout" with the command',
};

/**
 * Throws a ConfigError that names each retired setting that is set, with its replacement: a setting that does nothing
 * is worse than an error, because somebody relies on it.
 */
export const refuseRetiredSettings = (env: NodeJS.ProcessEnv = process.env): void => {
  const given = Object.entries(RETIRED).filter(([name]) => (env[name] ?? '') !== '');
  if (given.length === 0) return;
  const lines = given.map(([name, instead]) => `${name} has no meaning here: ${instead}`);
  throw new ConfigError(`remove these settings from the environment:\n  ${lines.join('\n  ')}`);
};
