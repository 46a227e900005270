import { z } from 'zod';
import type { LogLevel } from '../telemetry/log.ts';
import { loadConfig, port } from './load.ts';
import { logLevel } from './log-level.ts';
import { refuseRetiredSettings } from './retired-settings.ts';

const ControllerEnvironment = z.object({
  MATRX_NAMESPACE: z.string().max(63).default('sandboxes'),
  MATRX_SYSTEM_NAMESPACE: z.string().max(63).default('matrx-system'),
  MATRX_S3_BUCKET: z.string().optional(),
  MATRX_LOG_LEVEL: logLevel.default('info'),
  MATRX_HTTP_PORT: port.default(8081),
  MATRX_WORKERS: z.coerce.number().int().min(1).max(64).default(8),
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
  /** Of /livez, /readyz and /metrics. */
  readonly operationsPort: number;
  /** How many Sandboxes are worked on at a time. */
  readonly workers: number;
  /** Who this replica is, in the lease and in events. */
  readonly podName: string;
}

/** Throws a ConfigError for a wrong or retired setting. */
export const loadControllerConfig = (env: NodeJS.ProcessEnv = process.env): ControllerConfig => {
  refuseRetiredSettings(env);
  const given = loadConfig(ControllerEnvironment, env);
  return Object.freeze({
    namespace: given.MATRX_NAMESPACE,
    systemNamespace: given.MATRX_SYSTEM_NAMESPACE,
    bucket: given.MATRX_S3_BUCKET,
    logLevel: given.MATRX_LOG_LEVEL,
    operationsPort: given.MATRX_HTTP_PORT,
    workers: given.MATRX_WORKERS,
    podName: given.POD_NAME,
  });
};
