import { z } from 'zod';
import type { TracingSettings } from '../telemetry/tracing-settings.ts';
import type { LogLevel } from '../telemetry/log.ts';
import { absolute, loadColdConfig, type ColdConfig } from './cold.ts';
import { loadConfig, port, seconds } from './load.ts';
import { logLevel } from './log-level.ts';
import { refuseRetiredSettings } from './retired-settings.ts';
import { loadTracingConfig } from './tracing.ts';

const NodeEnvironment = z.object({
  NODE_NAME: z.string().max(253),
  MATRX_NAMESPACE: z.string().max(63).default('sandboxes'),
  MATRX_SYSTEM_NAMESPACE: z.string().max(63).default('matrx-system'),
  MATRX_STATE_DIR: absolute.default('/var/lib/matrx'),
  KUBELET_DIR: absolute.default('/var/lib/kubelet'),
  MATRX_S3_BUCKET: z.string().max(255),
  AWS_REGION: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  MATRX_RPO_SECONDS: seconds.min(1).max(3600).default(10),
  MATRX_HOME_EXCLUDES: z
    .string()
    .transform((text) => text.split(',').map((pattern) => pattern.trim()))
    .refine((patterns) => patterns.every((pattern) => /^[^/]+\/?$/.test(pattern)), {
      error: 'takes names, separated by commas, with * for anything and / at the end of folders: *.tmp,__pycache__/',
    })
    .default([]),
  MATRX_SAVE_WAIT_SECONDS: seconds.max(100).default(60),
  MATRX_DRAIN_SECONDS: seconds.max(600).default(20),
  MATRX_HTTP_HOST: z.string().default('0.0.0.0'),
  MATRX_HTTP_PORT: port.default(8081),
  MATRX_LOG_LEVEL: logLevel.default('info'),
});

export interface NodeConfig {
  readonly node: string;
  readonly namespace: string;
  readonly systemNamespace: string;
  /** Holds the homes: on a disk that survives a reboot. */
  readonly stateDir: string;
  /** kubelet's root folder, at the same path as on the node. */
  readonly kubeletDir: string;
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** What the loss of a node may cost at most: how long a change may wait for its commit. */
  readonly rpoMs: number;
  /** Names that are not saved, in whatever folder of a home. */
  readonly homeExcludes: readonly string[];
  /** How long the end of a pod waits for its home to be saved. kubelet itself waits two minutes for an answer. */
  readonly saveWaitMs: number;
  /** How long the driver's own end waits for last commits. */
  readonly drainMs: number;
  readonly cold: ColdConfig;
  readonly operationsHost: string;
  readonly operationsPort: number;
  readonly logLevel: LogLevel;
  /** Undefined: off. */
  readonly tracing: TracingSettings | undefined;
}

/** Credentials are not read here: the AWS SDK finds them by its own chain. Throws a ConfigError for a wrong setting. */
export const loadNodeConfig = (env: NodeJS.ProcessEnv = process.env): NodeConfig => {
  refuseRetiredSettings(env);
  const given = loadConfig(NodeEnvironment, env);
  return Object.freeze({
    node: given.NODE_NAME,
    namespace: given.MATRX_NAMESPACE,
    systemNamespace: given.MATRX_SYSTEM_NAMESPACE,
    stateDir: given.MATRX_STATE_DIR,
    kubeletDir: given.KUBELET_DIR,
    bucket: given.MATRX_S3_BUCKET,
    region: given.AWS_REGION,
    endpoint: given.AWS_ENDPOINT_URL_S3,
    rpoMs: given.MATRX_RPO_SECONDS * 1000,
    homeExcludes: given.MATRX_HOME_EXCLUDES,
    saveWaitMs: given.MATRX_SAVE_WAIT_SECONDS * 1000,
    drainMs: given.MATRX_DRAIN_SECONDS * 1000,
    cold: loadColdConfig(env, given.MATRX_STATE_DIR, { region: given.AWS_REGION, endpoint: given.AWS_ENDPOINT_URL_S3 }),
    operationsHost: given.MATRX_HTTP_HOST,
    operationsPort: given.MATRX_HTTP_PORT,
    logLevel: given.MATRX_LOG_LEVEL,
    tracing: loadTracingConfig(env),
  });
};
