import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { loadFacadeConfig } from '../../src/config/facade.ts';

const FACADE_KEY = generateKeyPairSync('ed25519')
  .privateKey.export({ format: 'der', type: 'pkcs8' })
  .toString('base64');
const KEY = { MATRX_API_KEY: 'k', MATRX_FACADE_KEY: FACADE_KEY };

describe('the settings of the facade', () => {
  it('have defaults for all but the key', () => {
    expect(loadFacadeConfig(KEY)).toEqual({
      namespace: 'sandboxes',
      systemNamespace: 'matrx-system',
      host: '0.0.0.0',
      port: 8000,
      operationsPort: 8081,
      logFormat: 'json',
      logLevel: 'info',
      authentication: 'required',
      apiKey: 'k',
      apiKeyHeader: 'X-API-Key',
      trustedProxies: { kind: 'none' },
      privateKey: expect.objectContaining({ asymmetricKeyType: 'ed25519' }),
      webhookAllowedHosts: [],
      startTimeoutSeconds: 120,
      stopTimeoutSeconds: 60,
      drainSeconds: 20,
      maxCommandLength: 10_000,
      maxBodyBytes: 1_048_576,
      maxOutputBytes: 4_194_304,
      allowedOrigins: [],
      sshGateway: { port: 2222, publicPort: 2222 },
    });
  });

  it('say where SSH clients find the gateway, and whether there is one', () => {
    const gateway = (env: NodeJS.ProcessEnv) => loadFacadeConfig({ ...KEY, ...env }).sshGateway;
    expect(gateway({ MATRX_SSH_PORT: '2022' })).toEqual({ port: 2022, publicHost: undefined, publicPort: 2022 });
    const elsewhere = { MATRX_SSH_HOST: 'ssh.example.com', MATRX_SSH_PUBLIC_PORT: '22' };
    expect(gateway(elsewhere)).toEqual({ port: 2222, publicHost: 'ssh.example.com', publicPort: 22 });
    expect(gateway({ MATRX_SSH: 'disabled' })).toBeUndefined();
    expect(() => gateway({ MATRX_SSH_HOST: '-oProxyCommand=id' })).toThrow('MATRX_SSH_HOST');
  });

  it.each([
    ['INFO', 'info'],
    ['Warning', 'warn'],
    ['CRITICAL', 'fatal'],
    ['debug', 'debug'],
  ])('take the log level %s', (given, level) => {
    expect(loadFacadeConfig({ ...KEY, MATRX_LOG_LEVEL: given }).logLevel).toBe(level);
  });

  it('take origins whose pages may open WebSockets', () => {
    const env = { ...KEY, MATRX_ALLOWED_ORIGINS: 'https://a.example, http://localhost:3000' };
    expect(loadFacadeConfig(env).allowedOrigins).toEqual(['https://a.example', 'http://localhost:3000']);
  });

  it('log in detail where MATRX_DEBUG asks for it', () => {
    expect(loadFacadeConfig({ ...KEY, MATRX_DEBUG: 'true' }).logLevel).toBe('debug');
    expect(loadFacadeConfig({ ...KEY, MATRX_DEBUG: 'false' }).logLevel).toBe('info');
  });

  it.each([{}, { MATRX_API_KEY: '' }])('never leave the API open by accident, but closed to all: %j [A1.1]', (env) => {
    expect(loadFacadeConfig({ ...env, MATRX_FACADE_KEY: FACADE_KEY })).toMatchObject({
      authentication: 'required',
      apiKey: undefined,
    });
  });

  it('leave the API open where that is said in so many words', () => {
    expect(loadFacadeConfig({ MATRX_AUTH: 'disabled', MATRX_FACADE_KEY: FACADE_KEY })).toMatchObject({
      authentication: 'disabled',
      apiKey: undefined,
    });
    expect(() => loadFacadeConfig({ MATRX_AUTH: 'off' })).toThrow(/MATRX_AUTH is "off"/);
  });

  it.each([undefined, 'nonsense', Buffer.from('nonsense').toString('base64')])(
    'need a key that the daemons know the facade by, and say how to make one: %p',
    (key) => {
      const load = () =>
        loadFacadeConfig({ MATRX_API_KEY: 'k', ...(key === undefined ? {} : { MATRX_FACADE_KEY: key }) });
      expect(load).toThrow(/MATRX_FACADE_KEY (is not set|holds no such key): set it to an Ed25519 private key/);
    },
  );

  it('refuse a key together with no authentication', () => {
    expect(() => loadFacadeConfig({ ...KEY, MATRX_AUTH: 'disabled' })).toThrow(/remove one/);
  });

  it.each(['key\n', 'two words', 'schlüssel'])(
    'refuse a key that no header can carry, without printing it: %j',
    (key) => {
      const load = () => loadFacadeConfig({ MATRX_API_KEY: key });
      expect(load).toThrow(/MATRX_API_KEY is \(secret\)/);
      expect(load).not.toThrow(key.trim());
    },
  );

  it.each([
    ['MATRX_DOCKER_NETWORK', 'NetworkPolicy'],
    ['MATRX_DATABASE_URL', 'the Kubernetes API is the registry'],
    ['MATRX_SANDBOX_STORE', 'the Kubernetes API is the registry'],
    ['MATRX_SANDBOX_IMAGE', 'spec.image of the SandboxTemplate "default"'],
    ['MATRX_CONTAINER_CPU_LIMIT', 'spec.resources.limits.cpu'],
    ['MATRX_CONTAINER_MEMORY_LIMIT', 'spec.resources.limits.memory'],
    ['MATRX_CONTAINER_DISK_LIMIT', 'no limit to set'],
    ['MATRX_MAX_SESSION_DURATION_SECONDS', 'spec.lifetime.ttlSeconds'],
    ['MATRX_SHUTDOWN_TIMEOUT_SECONDS', 'terminationGracePeriodSeconds'],
    ['MATRX_HEALTHCHECK_INTERVAL_SECONDS', 'nothing to set'],
    ['MATRX_COMMAND_TIMEOUT_SECONDS', '"timeout"'],
  ])("refuse the original's %s and name what replaces it [A3.1]", (name, replacement) => {
    const load = () => loadFacadeConfig({ ...KEY, [name]: 'x' });
    expect(load).toThrow(name);
    expect(load).toThrow(replacement);
    expect(() => loadFacadeConfig({ ...KEY, [name]: '' })).not.toThrow();
  });

  it.each([
    ['MATRX_PORT', '0'],
    ['MATRX_PORT', '70000'],
    ['MATRX_START_TIMEOUT_SECONDS', '-1'],
    ['MATRX_LOG_LEVEL', 'loud'],
    ['MATRX_LOG_FORMAT', 'xml'],
    ['MATRX_API_KEY_HEADER', 'X API'],
    ['MATRX_MAX_COMMAND_LENGTH', 'many'],
    ['MATRX_ALLOWED_ORIGINS', 'https://a.example/path'],
    ['MATRX_ALLOWED_ORIGINS', '*'],
  ])('refuse %s=%s and name it', (name, value) => {
    expect(() => loadFacadeConfig({ ...KEY, [name]: value })).toThrow(`${name} is "${value}"`);
  });
});
