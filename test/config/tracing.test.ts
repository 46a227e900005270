import { describe, expect, it } from '@jest/globals';
import { loadControllerConfig } from '../../src/config/controller.ts';
import { loadTracingConfig } from '../../src/config/tracing.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('traces', () => {
  it.each([
    ['nothing is said', {}],
    ['only what does not switch them on is said', { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'nonsense' }],
    ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['the exporter is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    [
      'OpenTelemetry is disabled, whatever else is wrong',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_SDK_DISABLED: 'true' },
    ],
  ])('are off where %s', (_what, env) => {
    expect(loadTracingConfig(env)).toBeUndefined();
    expect(loadControllerConfig(env).tracing).toBeUndefined();
  });

  it('go where the endpoint says: a general one gets the path, one for traces is taken as it is', () => {
    const url = (env: NodeJS.ProcessEnv): string | undefined => loadTracingConfig(env)?.url;
    expect(url(ENDPOINT)).toBe('http://collector:4318/v1/traces');
    expect(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://x/otlp/' })).toBe('https://x/otlp/v1/traces');
    expect(url({ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://y/in' })).toBe('https://y/in');
  });

  it('follow the rest of OpenTelemetry’s variables', () => {
    const env = {
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b=x%2Cy%3D',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=2',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment.name=test%20one',
    };
    expect(loadTracingConfig(env)).toMatchObject({
      headers: { a: '2', b: 'x,y=' },
      sampler: { root: 'traceidratio', ratio: 0.25, followsParent: true },
      serviceName: 'other',
      resource: { 'deployment.environment.name': 'test one' },
    });
    expect(loadTracingConfig({ ...env, OTEL_SERVICE_NAME: 'mine' })?.serviceName).toBe('mine');
    expect(loadTracingConfig({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'always_off' })?.sampler).toEqual({
      root: 'always_off',
      ratio: 1,
      followsParent: false,
    });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /is "collector:4318": takes an http or https address/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://x', /is "grpc:\/\/x": takes an http or https address/],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /is "grpc": takes http\/json/],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'token', /is \(secret\): takes headers as/],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b%0d%0ac: d', /is \(secret\): takes headers as/],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '60000', /is "60000": takes milliseconds, 10000 at most/],
    ['OTEL_TRACES_EXPORTER', 'zipkin', /is "zipkin": takes otlp, or none/],
    ['OTEL_TRACES_SAMPLER', 'xray', /is "xray": takes always_on, /],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', /is "1.5": takes the share of traces/],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a', /is "a": takes attributes as/],
    ['OTEL_SDK_DISABLED', 'maybe', /is "maybe": takes true or false/],
  ])('refuse %s=%s, and say what it takes', (name, value, message) => {
    const load = (): unknown => loadTracingConfig({ ...ENDPOINT, [name]: value });
    expect(load).toThrow(message);
    expect(load).toThrow(name);
  });

  it('refuse a password in the endpoint, without showing it', () => {
    const load = (): unknown => loadTracingConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://u:secret@x' });
    expect(load).toThrow(/OTEL_EXPORTER_OTLP_HEADERS/);
    expect(load).not.toThrow(/secret/);
  });
});
