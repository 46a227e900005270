import path from 'node:path';
import { z } from 'zod';
import { ConfigError, loadConfig, seconds } from './load.ts';

/**
 * Where each user's credentials for cold storage come from; `off`: there is none. `none` mounts everyone with the
 * driver's own key, so that only FUSE stands between the users: it is never a default. Read by the node driver, which
 * mounts, and by the controller, which gives pods the volume.
 */
export const COLD_PROVIDERS = ['off', 'assume-role', 'web-identity', 'accounts', 'none'] as const;
export type ColdProviderName = (typeof COLD_PROVIDERS)[number];

export const coldProvider = z.enum(COLD_PROVIDERS).default('off');

/** Paths are compared as text with what kubelet sends: no "..", no "/" at the end. */
export const absolute = z
  .string()
  .refine((text) => path.isAbsolute(text), 'takes an absolute path')
  .transform((text) => path.resolve(text));

const ColdEnvironment = z.object({
  MATRX_COLD_PROVIDER: coldProvider,
  MATRX_COLD_ROLE_ARN: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+/, 'takes the ARN of a role')
    .optional(),
  MATRX_COLD_STS_URL: z.url({ protocol: /^https?$/ }).optional(),
  MATRX_COLD_IAM_URL: z.url({ protocol: /^https?$/ }).optional(),
  MATRX_COLD_DIR: absolute.optional(),
  MATRX_COLD_CACHE_MB: z.coerce.number().int().min(64).max(10_000_000).default(4096),
  MATRX_COLD_WRITE_BACK_SECONDS: seconds.max(600).default(5),
  // Where its package puts it.
  MATRX_MOUNT_S3: absolute.default('/opt/aws/mountpoint-s3/bin/mount-s3'),
  MATRX_RCLONE: absolute.default('/usr/local/bin/rclone'),
  SSL_CERT_FILE: absolute.optional(),
});

/** How users' credentials are had, with what that takes. */
export type ColdCredentials =
  | { readonly provider: 'off' }
  | { readonly provider: 'none' }
  | {
      readonly provider: 'assume-role' | 'web-identity';
      readonly roleArn: string;
      readonly region: string;
      /** Another STS than the region's own. */
      readonly stsUrl: string | undefined;
    }
  | {
      readonly provider: 'accounts';
      readonly endpoint: string;
      readonly region: string;
      readonly iamEndpoint: string;
    };

export interface ColdConfig {
  readonly credentials: ColdCredentials;
  /** Holds what is not uploaded: on a disk that survives a reboot. */
  readonly dir: string;
  /** Of one sandbox, on that disk; what is not uploaded is never dropped for it. */
  readonly cacheBytes: number;
  /** How long a closed file waits for its upload, in case it is written again. */
  readonly writeBackSeconds: number;
  readonly rclone: string;
  readonly mountS3: string;
  /** Certificates that are trusted beside the system's, for the mount process. */
  readonly caFile: string | undefined;
}

/** `s3` is where the driver's own bucket is. Throws a ConfigError for a wrong setting. */
export const loadColdConfig = (
  env: NodeJS.ProcessEnv,
  stateDir: string,
  s3: { readonly region: string | undefined; readonly endpoint: string | undefined },
): ColdConfig => {
  const given = loadConfig(ColdEnvironment, env);
  return Object.freeze({
    credentials: credentialsOf(given, s3),
    dir: given.MATRX_COLD_DIR ?? path.join(stateDir, 'cold'),
    cacheBytes: given.MATRX_COLD_CACHE_MB * 2 ** 20,
    writeBackSeconds: given.MATRX_COLD_WRITE_BACK_SECONDS,
    rclone: given.MATRX_RCLONE,
    mountS3: given.MATRX_MOUNT_S3,
    caFile: given.SSL_CERT_FILE,
  });
};

const credentialsOf = (
  given: z.infer<typeof ColdEnvironment>,
  { region, endpoint }: Parameters<typeof loadColdConfig>[2],
): ColdCredentials => {
  const provider = given.MATRX_COLD_PROVIDER;
  const needed = (name: string, value: string | undefined): string => {
    if (value !== undefined) return value;
    throw new ConfigError(`${name} is not set: MATRX_COLD_PROVIDER=${provider} needs it`);
  };
  if (provider === 'off') return { provider };
  if (provider === 'none') return { provider };
  if (provider === 'accounts') {
    return {
      provider,
      endpoint: needed('AWS_ENDPOINT_URL_S3', endpoint),
      region: needed('AWS_REGION', region),
      iamEndpoint: needed('MATRX_COLD_IAM_URL', given.MATRX_COLD_IAM_URL),
    };
  }
  return {
    provider,
    roleArn: needed('MATRX_COLD_ROLE_ARN', given.MATRX_COLD_ROLE_ARN),
    region: needed('AWS_REGION', region),
    stsUrl: given.MATRX_COLD_STS_URL,
  };
};
