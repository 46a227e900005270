import { z } from 'zod';
import { loadConfig } from '../../../src/config/load.ts';

const Environment = z.object({
  KUBECONFIG: z.string(),
  MATRX_URL: z.url(),
  MATRX_API_KEY: z.string(),
  MATRX_S3_BUCKET: z.string(),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_REGION: z.string(),
});
export type Environment = Readonly<z.infer<typeof Environment>>;

/**
 * What `matrx env` prints, as the tests' environment. Throws where a variable is missing: an end-to-end test fails
 * without its cluster, it is never skipped.
 */
export const requireEnvironment = (): Environment => {
  try {
    return loadConfig(Environment, process.env, ['MATRX_API_KEY', 'AWS_SECRET_ACCESS_KEY']);
  } catch (cause) {
    throw new Error('the end-to-end tests need a running cluster: run `make up`, then `make e2e`', { cause });
  }
};
