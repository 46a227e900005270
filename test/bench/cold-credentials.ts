import type { ConfigMap } from '../../src/controller/storage-state.ts';
import { CONFIG_MAPS } from '../../src/kube/resource-types.ts';
import { makeAccountCredentials } from '../../src/node/cold/account-credentials.ts';
import type { UserCredentials } from '../../src/node/cold/credentials.ts';
import { rootCredentials } from '../support/e2e/cold/cold.ts';
import { SYSTEM_NAMESPACE } from '../support/e2e-faults/system-containers.ts';
import type { BenchContext } from './context.ts';

/**
 * Lends what the node driver mounts a user's files with: where each user has one of the S3 server's, it looks up whose
 * key it is for each request, and the owner's own key would be served sooner. Elsewhere, the owner's.
 */
export const withUserCredentials = async <T>(
  { environment, kube, signal }: BenchContext,
  userId: string,
  use: (credentials: UserCredentials) => Promise<T>,
): Promise<T> => {
  const { data = {} } = await kube.get<ConfigMap>(
    { type: CONFIG_MAPS, namespace: SYSTEM_NAMESPACE, name: 'matrx-config' },
    { signal },
  );
  const [endpoint, iamEndpoint] = [environment.AWS_ENDPOINT_URL_S3, data['MATRX_COLD_IAM_URL']];
  const root = rootCredentials(environment);
  if (data['MATRX_COLD_PROVIDER'] !== 'accounts' || endpoint === undefined || iamEndpoint === undefined) {
    return use(root);
  }
  const provider = makeAccountCredentials({
    endpoint,
    iamEndpoint,
    region: environment.AWS_REGION,
    bucket: environment.MATRX_S3_BUCKET,
    root: () => Promise.resolve(root),
    now: Date.now,
  });
  try {
    return await use(await provider.issue({ userId, session: userId }, signal));
  } finally {
    await provider.revoke?.(userId, AbortSignal.timeout(30_000));
  }
};
