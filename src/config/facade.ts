import { createPrivateKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { TracingSettings } from '../telemetry/tracing-settings.ts';
import { ConfigError, loadConfig, port, seconds } from './load.ts';
import { logLevel } from './log-level.ts';
import { refuseRetiredSettings } from './retired-settings.ts';
import { loadTracingConfig } from './tracing.ts';
import { NO_PROXIES, type TrustedProxies, trustedProxies } from './trusted-proxies.ts';
import { LOG_FORMATS, type LogFormat, type LogLevel } from '../telemetry/log.ts';

const MEBIBYTE = 1024 * 1024;

const flag = z.stringbool();

const FacadeEnvironment = z.object({
  MATRX_NAMESPACE: z.string().max(63).default('sandboxes'),
  MATRX_SYSTEM_NAMESPACE: z.string().max(63).default('matrx-system'),
  MATRX_HOST: z.string().default('0.0.0.0'),
  MATRX_PORT: port.default(8000),
  MATRX_HTTP_PORT: port.default(8081),
  MATRX_LOG_LEVEL: logLevel.default('info'),
  MATRX_LOG_FORMAT: z.enum(LOG_FORMATS).default('json'),
  MATRX_DEBUG: flag.default(false),
  MATRX_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'holds white space or characters that no HTTP header can carry (a newline at its end?)')
    .optional(),
  MATRX_FACADE_KEY: z.string().optional(),
  MATRX_AUTH: z.enum(['required', 'disabled']).default('required'),
  MATRX_API_KEY_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'takes the name of an HTTP header')
    .default('X-API-Key'),
  MATRX_WEBHOOK_ALLOWED_HOSTS: z
    .string()
    .regex(/^[A-Za-z0-9.:[\], -]*$/, 'takes host names, with or without a port, separated by commas')
    .default(''),
  MATRX_SSH: z.enum(['enabled', 'disabled']).default('enabled'),
  MATRX_SSH_PORT: port.default(2222),
  MATRX_SSH_HOST: z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'takes a host name or an address')
    .optional(),
  MATRX_SSH_PUBLIC_PORT: port.optional(),
  MATRX_TRUSTED_PROXIES: trustedProxies.default(NO_PROXIES),
  MATRX_START_TIMEOUT_SECONDS: seconds.default(120),
  MATRX_STOP_TIMEOUT_SECONDS: seconds.default(60),
  MATRX_DRAIN_SECONDS: seconds.default(20),
  MATRX_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .refine(
      (origins) => origins.every((text) => URL.canParse(text) && new URL(text).origin === text),
      'takes origins such as https://sandbox.example.com, separated by commas',
    ),
  MATRX_PREVIEW_DOMAIN: z
    .string()
    .toLowerCase()
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:\d{1,5})?)?$/,
      'takes the domain below which previews have their hosts, such as preview.example.com',
    )
    .default(''),
  MATRX_MAX_COMMAND_LENGTH: z.coerce.number().int().min(1).max(100_000).default(10_000),
});

export interface FacadeConfig {
  readonly namespace: string;
  /** Where the Secrets with API keys and with webhook endpoints are. */
  readonly systemNamespace: string;
  readonly host: string;
  readonly port: number;
  /** Of /livez, /readyz and /metrics. */
  readonly operationsPort: number;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
  /** Undefined: off. */
  readonly tracing: TracingSettings | undefined;
  /** `disabled`: everyone who reaches the port may do everything, in so many words. */
  readonly authentication: 'required' | 'disabled';
  /** May do everything for everyone. Undefined: only the keys of the Secret are taken. */
  readonly apiKey: string | undefined;
  readonly apiKeyHeader: string;
  readonly trustedProxies: TrustedProxies;
  /** Ed25519: what the sandboxes' daemons know the facade by. */
  readonly privateKey: KeyObject;
  /** Hosts, or host:port, to which webhooks may go by plain http and at any address. */
  readonly webhookAllowedHosts: readonly string[];
  readonly startTimeoutSeconds: number;
  readonly stopTimeoutSeconds: number;
  /** How long requests in flight may take after SIGTERM. */
  readonly drainSeconds: number;
  readonly maxCommandLength: number;
  readonly maxBodyBytes: number;
  readonly maxOutputBytes: number;
  readonly allowedOrigins: readonly string[];
  readonly previewDomain: string | undefined;
  /** Undefined: no SSH gateway. */
  readonly sshGateway: SshGatewayConfig | undefined;
}

export interface SshGatewayConfig {
  /** Where it listens. */
  readonly port: number;
  /** Where clients are told that it is: unless given, at the host by which they reach the API, and the same port. */
  readonly publicHost: string | undefined;
  readonly publicPort: number;
}

/** Throws a ConfigError for a wrong or retired setting, and for those that contradict each other. */
export const loadFacadeConfig = (env: NodeJS.ProcessEnv = process.env): FacadeConfig => {
  refuseRetiredSettings(env);
  const given = loadConfig(FacadeEnvironment, env, ['MATRX_API_KEY', 'MATRX_FACADE_KEY']);
  return Object.freeze({
    namespace: given.MATRX_NAMESPACE,
    systemNamespace: given.MATRX_SYSTEM_NAMESPACE,
    host: given.MATRX_HOST,
    port: given.MATRX_PORT,
    operationsPort: given.MATRX_HTTP_PORT,
    logFormat: given.MATRX_LOG_FORMAT,
    logLevel: given.MATRX_DEBUG ? 'debug' : given.MATRX_LOG_LEVEL,
    tracing: loadTracingConfig(env),
    authentication: given.MATRX_AUTH,
    apiKey: configuredKey(given),
    apiKeyHeader: given.MATRX_API_KEY_HEADER,
    trustedProxies: given.MATRX_TRUSTED_PROXIES,
    privateKey: requiredPrivateKey(given.MATRX_FACADE_KEY),
    webhookAllowedHosts: given.MATRX_WEBHOOK_ALLOWED_HOSTS.split(/[\s,]+/).filter((host) => host !== ''),
    startTimeoutSeconds: given.MATRX_START_TIMEOUT_SECONDS,
    stopTimeoutSeconds: given.MATRX_STOP_TIMEOUT_SECONDS,
    drainSeconds: given.MATRX_DRAIN_SECONDS,
    maxCommandLength: given.MATRX_MAX_COMMAND_LENGTH,
    maxBodyBytes: MEBIBYTE,
    maxOutputBytes: 4 * MEBIBYTE,
    allowedOrigins: given.MATRX_ALLOWED_ORIGINS,
    previewDomain: given.MATRX_PREVIEW_DOMAIN || undefined,
    sshGateway:
      given.MATRX_SSH === 'disabled'
        ? undefined
        : {
            port: given.MATRX_SSH_PORT,
            publicHost: given.MATRX_SSH_HOST,
            publicPort: given.MATRX_SSH_PUBLIC_PORT ?? given.MATRX_SSH_PORT,
          },
  });
};

const configuredKey = ({
  MATRX_API_KEY: key,
  MATRX_AUTH: auth,
}: z.infer<typeof FacadeEnvironment>): string | undefined => {
  if (auth === 'disabled' && key !== undefined) {
    throw new ConfigError(
      'MATRX_AUTH is "disabled" and MATRX_API_KEY is set: remove one, so that it is clear what holds',
    );
  }
  return key;
};

const requiredPrivateKey = (text: string | undefined): KeyObject => {
  const remedy =
    'set it to an Ed25519 private key, base64 of PKCS #8 DER (openssl genpkey -algorithm ed25519 -outform DER | base64)';
  if (text === undefined) throw new ConfigError(`MATRX_FACADE_KEY is not set: ${remedy}`);
  try {
    const key = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below: what OpenSSL has to say names neither the variable nor the remedy.
  }
  throw new ConfigError(`MATRX_FACADE_KEY holds no such key: ${remedy}`);
};
