import type { Kubectl } from '../e2e/kubectl.ts';
import { rolledOut, SYSTEM_NAMESPACE, workloadOf } from './system-containers.ts';

const VARIABLE = 'AWS_ENDPOINT_URL_S3';

/**
 * Makes the node driver talk to S3 through `endpoint`, by a variable of the DaemonSet that wins over its settings;
 * `undefined` takes the variable away again. Resolves when the driver runs with it, ready. Calling it with undefined
 * first also repairs what a killed test run has left.
 */
export const setDriverEndpoint = async (kubectl: Kubectl, endpoint: string | undefined): Promise<void> => {
  const setting = endpoint === undefined ? `${VARIABLE}-` : `${VARIABLE}=${endpoint}`;
  await kubectl.run(['-n', SYSTEM_NAMESPACE, 'set', 'env', workloadOf('node'), setting]);
  await rolledOut(kubectl, 'node');
};

/** The S3 server's address for a proxy. The product's own tests have a server without TLS, on this machine. */
export const plainAddress = (endpoint: string | undefined): { readonly host: string; readonly port: number } => {
  if (endpoint === undefined)
    throw new Error('AWS_ENDPOINT_URL_S3 is not set: the fault tests need an S3 server of their own');
  const url = new URL(endpoint);
  if (url.protocol !== 'http:')
    throw new Error(`${endpoint}: the fault tests need an S3 server without TLS to stand in front of`);
  return { host: url.hostname, port: url.port === '' ? 80 : Number(url.port) };
};
