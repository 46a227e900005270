import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { COLD_PROVIDERS } from './cold.ts';
import { loadConfig } from './load.ts';

const optional = z.string().min(1).optional();

/** The sandbox images that the product brings: `full` is `core` and a browser. */
export const SANDBOX_VARIANTS = ['core', 'full'] as const;
export type SandboxVariant = (typeof SANDBOX_VARIANTS)[number];

/** What the local installation takes from the environment. */
const LocalEnvironment = z.object({
  MATRX_STATE_DIR: optional,
  MATRX_CACHE_DIR: optional,
  XDG_CACHE_HOME: optional,
  XDG_STATE_HOME: optional,
  HOME: optional,
  KUBECONFIG: optional,
  DOCKER_HOST: optional,
  SSL_CERT_FILE: optional,
  MATRX_PRODUCT_IMAGE: optional,
  MATRX_SANDBOX_IMAGE: optional,
  MATRX_SANDBOX_VARIANT: z.enum(SANDBOX_VARIANTS).default('full'),
  MATRX_S3_BUCKET: optional,
  AWS_REGION: optional,
  AWS_DEFAULT_REGION: optional,
  AWS_ENDPOINT_URL_S3: optional,
  AWS_ENDPOINT_URL: optional,
  AWS_ACCESS_KEY_ID: optional,
  AWS_SECRET_ACCESS_KEY: optional,
  AWS_SESSION_TOKEN: optional,
  MATRX_COLD_PROVIDER: z.enum(COLD_PROVIDERS).optional(),
  MATRX_COLD_ROLE_ARN: optional,
  MATRX_COLD_STS_URL: optional,
  MATRX_COLD_IAM_URL: optional,
  MATRX_COLD_CACHE_MB: optional,
  MATRX_COLD_WRITE_BACK_SECONDS: optional,
});

const COLD_SETTINGS = [
  'MATRX_COLD_PROVIDER',
  'MATRX_COLD_ROLE_ARN',
  'MATRX_COLD_STS_URL',
  'MATRX_COLD_IAM_URL',
  'MATRX_COLD_CACHE_MB',
  'MATRX_COLD_WRITE_BACK_SECONDS',
] as const;

export interface BucketSettings {
  readonly bucket: string;
  readonly region: string;
  /** Absent for AWS itself. */
  readonly endpoint?: string;
  /** Absent where the node has credentials of its own (an instance role). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

export interface LocalSettings {
  /** The cluster, the S3 server's data, keys, logs: all that `up` makes apart from downloads and builds. */
  readonly stateDir: string;
  /** Downloads and builds: safe to delete, expensive to make again. */
  readonly cacheDir: string;
  /** The path (or colon-separated paths) a user gave. */
  readonly kubeconfig?: string;
  readonly dockerHost?: string;
  /** A CA bundle that image builds need, as behind a company's TLS proxy. */
  readonly caBundle?: string;
  readonly bucket?: BucketSettings;
  /** Of ./cold.ts, by their names: the node driver reads them, and judges them. */
  readonly cold: Readonly<Record<string, string>>;
  /** Images that the cluster's nodes can pull by themselves, in place of ones that `up` builds and loads. */
  readonly images: { readonly product?: string; readonly sandbox?: string };
  /** Which of the product's sandbox images the default template gets. */
  readonly sandboxVariant: SandboxVariant;
}

/** Throws a ConfigError that names the variable. `isRoot` decides the default of the state folder. */
export const loadLocalSettings = (
  env: NodeJS.ProcessEnv = process.env,
  isRoot = process.getuid?.() === 0,
): LocalSettings => {
  const given = loadConfig(LocalEnvironment, env, ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']);
  const home = given.HOME ?? homedir();
  const stateHome = given.XDG_STATE_HOME ?? join(home, '.local/state');
  const bucket = bucketSettings(given);
  return Object.freeze({
    stateDir: given.MATRX_STATE_DIR ?? (isRoot ? '/var/lib/matrx-local' : join(stateHome, 'matrx-sandbox')),
    cacheDir: given.MATRX_CACHE_DIR ?? join(given.XDG_CACHE_HOME ?? join(home, '.cache'), 'matrx-sandbox'),
    ...(given.KUBECONFIG === undefined ? {} : { kubeconfig: given.KUBECONFIG }),
    ...(given.DOCKER_HOST === undefined ? {} : { dockerHost: given.DOCKER_HOST }),
    ...(given.SSL_CERT_FILE === undefined ? {} : { caBundle: given.SSL_CERT_FILE }),
    ...(bucket === undefined ? {} : { bucket }),
    cold: Object.freeze(
      Object.fromEntries(COLD_SETTINGS.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]))),
    ),
    images: Object.freeze({
      ...(given.MATRX_PRODUCT_IMAGE === undefined ? {} : { product: given.MATRX_PRODUCT_IMAGE }),
      ...(given.MATRX_SANDBOX_IMAGE === undefined ? {} : { sandbox: given.MATRX_SANDBOX_IMAGE }),
    }),
    sandboxVariant: given.MATRX_SANDBOX_VARIANT,
  });
};

const bucketSettings = (given: z.infer<typeof LocalEnvironment>): BucketSettings | undefined => {
  if (given.MATRX_S3_BUCKET === undefined) return undefined;
  const endpoint = given.AWS_ENDPOINT_URL_S3 ?? given.AWS_ENDPOINT_URL;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = given;
  return Object.freeze({
    bucket: given.MATRX_S3_BUCKET,
    region: given.AWS_REGION ?? given.AWS_DEFAULT_REGION ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
          },
        }),
  });
};

/** The whole environment, for the programs that the local installation starts (go, apt-get, openssl). */
export const hostEnvironment = (): Readonly<NodeJS.ProcessEnv> => Object.freeze({ ...process.env });
