import { z } from 'zod';
import type { TracingSettings } from '../telemetry/tracing-settings.ts';
import { bytesOf } from '../base/quantity.ts';
import type { LogLevel } from '../telemetry/log.ts';
import { coldProvider } from './cold.ts';
import { loadConfig, port } from './load.ts';
import { logLevel } from './log-level.ts';
import { refuseRetiredSettings } from './retired-settings.ts';
import { loadTracingConfig } from './tracing.ts';

const ControllerEnvironment = z.object({
  MATRX_NAMESPACE: z.string().max(63).default('sandboxes'),
  MATRX_SYSTEM_NAMESPACE: z.string().max(63).default('matrx-system'),
  MATRX_S3_BUCKET: z.string().optional(),
  MATRX_LOG_LEVEL: logLevel.default('info'),
  MATRX_HTTP_PORT: port.default(8081),
  MATRX_WORKERS: z.coerce.number().int().min(1).max(64).default(16),
  MATRX_FACADE_URL: z.url({ protocol: /^https?$/ }).optional(),
  MATRX_SANDBOXD_KEYS: z
    .string()
    .regex(/^[A-Za-z0-9+/=]+(,[A-Za-z0-9+/=]+)*$/, "takes the facade's public keys, base64 of DER, separated by commas")
    .optional(),
  MATRX_COLD_PROVIDER: coldProvider,
  /** On top of the cluster's own grace period, after which a node that is silent is not Ready any more. */
  MATRX_NODE_LOST_SECONDS: z.coerce.number().int().min(0).max(86_400).default(10),
  /** What one user may have; unset: as much as there is. */
  MATRX_USER_SANDBOXES: z.coerce.number().int().min(1).max(10_000).optional(),
  MATRX_USER_BYTES: z
    .string()
    .regex(/^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'takes bytes, as 20Gi')
    .optional(),
  POD_NAME: z.string().max(253).default('matrx-controller'),
});

export interface ControllerConfig {
  /** The one namespace of Sandboxes, Workspaces and their pods. */
  readonly namespace: string;
  /** Where the controller's lease and the storage reports are. */
  readonly systemNamespace: string;
  /** Only named in messages: the controller holds no credential for it. */
  readonly bucket: string | undefined;
  readonly logLevel: LogLevel;
  /** Undefined: off. */
  readonly tracing: TracingSettings | undefined;
  /** Of /livez, /readyz and /metrics. */
  readonly operationsPort: number;
  /** How many Sandboxes are worked on at a time. */
  readonly workers: number;
  /** Told to every sandbox: where the facade is, and whose access tokens its daemon accepts. */
  readonly installation: {
    readonly facadeUrl?: string;
    readonly sandboxdKeys?: string;
    readonly hasCold: boolean;
    readonly nodeLostSeconds: number;
    readonly userQuota?: { readonly sandboxes: number | undefined; readonly bytes: number | undefined };
  };
  /** Who this replica is, in the lease and in events. */
  readonly podName: string;
}

const userQuota = (sandboxes: number | undefined, bytes: string | undefined) =>
  sandboxes === undefined && bytes === undefined
    ? {}
    : { userQuota: { sandboxes, bytes: bytes === undefined ? undefined : bytesOf(bytes) } };

/** Throws a ConfigError for a wrong or retired setting. */
export const loadControllerConfig = (env: NodeJS.ProcessEnv = process.env): ControllerConfig => {
  refuseRetiredSettings(env);
  const given = loadConfig(ControllerEnvironment, env);
  return Object.freeze({
    namespace: given.MATRX_NAMESPACE,
    systemNamespace: given.MATRX_SYSTEM_NAMESPACE,
    bucket: given.MATRX_S3_BUCKET,
    logLevel: given.MATRX_LOG_LEVEL,
    tracing: loadTracingConfig(env),
    operationsPort: given.MATRX_HTTP_PORT,
    workers: given.MATRX_WORKERS,
    installation: Object.freeze({
      nodeLostSeconds: given.MATRX_NODE_LOST_SECONDS,
      hasCold: given.MATRX_COLD_PROVIDER !== 'off',
      ...userQuota(given.MATRX_USER_SANDBOXES, given.MATRX_USER_BYTES),
      ...(given.MATRX_FACADE_URL === undefined ? {} : { facadeUrl: given.MATRX_FACADE_URL }),
      ...(given.MATRX_SANDBOXD_KEYS === undefined ? {} : { sandboxdKeys: given.MATRX_SANDBOXD_KEYS }),
    }),
    podName: given.POD_NAME,
  });
};
