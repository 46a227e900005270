import type { Kubectl } from '../e2e/kubectl.ts';
import { rolledOut, SYSTEM_NAMESPACE, workloadOf } from './system-containers.ts';

/** Settings of the node driver that a test may replace for its own time. */
const REPLACEABLE = ['AWS_ENDPOINT_URL_S3', 'MATRX_SAVE_WAIT_SECONDS', 'MATRX_RCLONE'] as const;
export type DriverSettings = Partial<Record<(typeof REPLACEABLE)[number], string>>;

/**
 * Runs the node driver with these settings, as variables of its DaemonSet that win over the installed ones; those not
 * named are as installed. Resolves when the driver runs with them, ready. `{}` takes all of them away again.
 */
export const setDriverSettings = async (kubectl: Kubectl, settings: DriverSettings): Promise<void> => {
  const variables = REPLACEABLE.map((name) => {
    const value = settings[name];
    return value === undefined ? `${name}-` : `${name}=${value}`;
  });
  await kubectl.run(['-n', SYSTEM_NAMESPACE, 'set', 'env', workloadOf('node'), ...variables]);
  await rolledOut(kubectl, 'node');
};

/** The S3 server's address for a proxy. The product's own tests have a server without TLS, on this machine. */
export const plainAddress = (endpoint: string | undefined): { readonly host: string; readonly port: number } => {
  if (endpoint === undefined) {
    throw new Error('AWS_ENDPOINT_URL_S3 is not set: the fault tests need an S3 server of their own');
  }
  const url = new URL(endpoint);
  if (url.protocol !== 'http:') {
    throw new Error(`${endpoint}: the fault tests need an S3 server without TLS to stand in front of`);
  }
  return { host: url.hostname, port: url.port === '' ? 80 : Number(url.port) };
};
