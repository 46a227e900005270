import { z } from 'zod';
import { ConfigError, loadConfig } from './load.ts';

const WorkspaceEnvironment = z.object({
  MATRX_S3_BUCKET: z.string().max(255).optional(),
  AWS_REGION: z.string().optional(),
  AWS_DEFAULT_REGION: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  AWS_ENDPOINT_URL: z.url().optional(),
});

export interface WorkspaceConfig {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/** `bucket` is the command line's, which goes before the environment's. Throws a ConfigError. */
export const loadWorkspaceConfig = (
  bucket: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): WorkspaceConfig => {
  const given = loadConfig(WorkspaceEnvironment, env);
  const name = bucket ?? given.MATRX_S3_BUCKET;
  if (name === undefined) throw new ConfigError('no bucket: give --bucket, or set MATRX_S3_BUCKET');
  const endpoint = given.AWS_ENDPOINT_URL_S3 ?? given.AWS_ENDPOINT_URL;
  const region = given.AWS_REGION ?? given.AWS_DEFAULT_REGION;
  // A server that is not AWS's has one region, whatever it is called.
  return Object.freeze({
    bucket: name,
    endpoint,
    region: region ?? (endpoint === undefined ? undefined : 'us-east-1'),
  });
};
