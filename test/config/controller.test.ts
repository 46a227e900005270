import { describe, expect, test } from '@jest/globals';
import { loadControllerConfig } from '../../src/config/controller.ts';

describe('the controller’s settings', () => {
  test('need none', () => {
    expect(loadControllerConfig({})).toEqual({
      namespace: 'sandboxes',
      systemNamespace: 'matrx-system',
      bucket: undefined,
      logLevel: 'info',
      operationsPort: 8081,
      workers: 16,
      installation: { hasCold: false, nodeLostSeconds: 10 },
      podName: 'matrx-controller',
    });
  });

  test('come from the environment', () => {
    const env = {
      MATRX_NAMESPACE: 'boxes',
      MATRX_S3_BUCKET: 'homes',
      MATRX_LOG_LEVEL: 'DEBUG',
      MATRX_WORKERS: '2',
      POD_NAME: 'c-1',
    };
    expect(loadControllerConfig(env)).toMatchObject({
      namespace: 'boxes',
      bucket: 'homes',
      logLevel: 'debug',
      workers: 2,
      podName: 'c-1',
    });
  });

  test.each([
    ['MATRX_HTTP_PORT', '0'],
    ['MATRX_WORKERS', 'many'],
    ['MATRX_LOG_LEVEL', 'loud'],
    ['MATRX_DATABASE_URL', 'postgres://'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(() => loadControllerConfig({ [name]: value })).toThrow(name);
  });
});
