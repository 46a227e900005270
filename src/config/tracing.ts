import { z } from 'zod';
import type { TracingSettings } from '../telemetry/tracing-settings.ts';
import { ConfigError, loadConfig } from './load.ts';

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
/** `parentbased_…`: what was begun elsewhere is recorded if it is there. */
const PARENT_BASED = SAMPLERS.map((name) => `parentbased_${name}` as const);

const receiver = z.url({
  protocol: /^https?$/,
  error: 'takes an http or https address, such as http://collector:4318',
});
const protocol = z.enum(['http/json'], {
  error: 'takes http/json, the only way to send that there is; a collector takes it where it takes http/protobuf',
});

const readPair = (text: string): readonly [string, string] | undefined => {
  const [, key, encoded] = /^\s*([!#$%&'*+.^`|~\w/-]+)\s*=\s*([\x20-\x7e]*?)\s*$/.exec(text) ?? [];
  if (key === undefined || encoded === undefined) return undefined;
  try {
    const value = decodeURIComponent(encoded);
    return /^[^\p{Cc}]*$/u.test(value) ? [decodeURIComponent(key), value] : undefined;
  } catch {
    return undefined;
  }
};

/** W3C Baggage without its properties: `key=value,key=value`, values percent-encoded. */
const pairs = (error: string) =>
  z.string().transform((text, context): Readonly<Record<string, string>> => {
    const parsed = text
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(readPair);
    if (parsed.every((pair) => pair !== undefined)) return Object.fromEntries(parsed);
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });

const Switch = z.object({
  OTEL_SDK_DISABLED: z.stringbool({ error: 'takes true or false' }).default(false),
  OTEL_TRACES_EXPORTER: z
    .enum(['otlp', 'none'], { error: 'takes otlp, or none, which switches traces off' })
    .default('otlp'),
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.optional(),
});

const Settings = z.object({
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs('takes headers as api-key=value,other=value, percent-encoded').optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: pairs('takes headers as api-key=value,other=value, percent-encoded').optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: z.coerce
    .number({ error: 'takes milliseconds' })
    .int('takes milliseconds')
    .min(100, 'takes milliseconds, 100 at least')
    .max(10_000, 'takes milliseconds, 10000 at most: the end of a process waits for it')
    .default(5_000),
  OTEL_TRACES_SAMPLER: z
    .enum([...SAMPLERS, ...PARENT_BASED], { error: `takes ${[...SAMPLERS, ...PARENT_BASED].join(', ')}` })
    .default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number({ error: 'takes the share of traces that are recorded, from 0 to 1' })
    .min(0, 'takes the share of traces that are recorded, from 0 to 1')
    .max(1, 'takes the share of traces that are recorded, from 0 to 1')
    .default(1),
  OTEL_SERVICE_NAME: z.string().max(255, 'takes 255 characters at most').optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs('takes attributes as key=value,other=value, percent-encoded').default({}),
});

const SECRET = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'];

/**
 * OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
 * Undefined: no receiver is named, or traces are switched off, and then the others mean nothing. Throws a ConfigError.
 */
export const loadTracingConfig = (env: NodeJS.ProcessEnv = process.env): TracingSettings | undefined => {
  if (isDisabled(env)) return undefined;
  const on = loadConfig(Switch, env);
  const base = on.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = on.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined || on.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const given = loadConfig(Settings, env, SECRET);
  const sampler = given.OTEL_TRACES_SAMPLER;
  return Object.freeze({
    url: withoutCredentials(url),
    headers: { ...given.OTEL_EXPORTER_OTLP_HEADERS, ...given.OTEL_EXPORTER_OTLP_TRACES_HEADERS },
    timeoutMs: given.OTEL_EXPORTER_OTLP_TIMEOUT,
    sampler: {
      root: SAMPLERS.find((name) => sampler.endsWith(name)) ?? 'always_on',
      ratio: given.OTEL_TRACES_SAMPLER_ARG,
      followsParent: sampler.startsWith('parentbased_'),
    },
    serviceName: given.OTEL_SERVICE_NAME ?? given.OTEL_RESOURCE_ATTRIBUTES['service.name'],
    resource: given.OTEL_RESOURCE_ATTRIBUTES,
  });
};

/** Before anything else is looked at: who switches it off need not put the rest right first. */
const isDisabled = (env: NodeJS.ProcessEnv): boolean =>
  loadConfig(Switch.pick({ OTEL_SDK_DISABLED: true }), env).OTEL_SDK_DISABLED;

const withoutCredentials = (url: string): string => {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return url;
  throw new ConfigError(
    'the OTLP endpoint holds a name or a password: send it as a header, OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20…',
  );
};
