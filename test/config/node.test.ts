import { expect, test } from '@jest/globals';
import { loadNodeConfig } from '../../src/config/node.ts';

const least = { NODE_NAME: 'node-1', MATRX_S3_BUCKET: 'bucket' };

test('the node driver needs its node and its bucket, and has defaults for the rest', () => {
  expect(loadNodeConfig(least)).toEqual({
    node: 'node-1',
    namespace: 'sandboxes',
    systemNamespace: 'matrx-system',
    stateDir: '/var/lib/matrx',
    kubeletDir: '/var/lib/kubelet',
    bucket: 'bucket',
    region: undefined,
    endpoint: undefined,
    rpoMs: 10_000,
    homeExcludes: [],
    saveWaitMs: 60_000,
    drainMs: 20_000,
    cold: {
      credentials: { provider: 'off' },
      dir: '/var/lib/matrx/cold',
      cacheBytes: 4 * 2 ** 30,
      writeBackSeconds: 5,
      rclone: '/usr/local/bin/rclone',
      mountS3: '/opt/aws/mountpoint-s3/bin/mount-s3',
      caFile: undefined,
    },
    operationsHost: '0.0.0.0',
    operationsPort: 8081,
    logLevel: 'info',
  });
});

test.each([
  [{ MATRX_S3_BUCKET: '' }, 'MATRX_S3_BUCKET is not set'],
  [{ NODE_NAME: undefined }, 'NODE_NAME is not set'],
  [{ MATRX_STATE_DIR: 'var/lib' }, 'MATRX_STATE_DIR is "var/lib": takes an absolute path'],
  [{ MATRX_RPO_SECONDS: '0' }, 'MATRX_RPO_SECONDS is "0"'],
  [{ MATRX_RPO_SECONDS: 'soon' }, 'MATRX_RPO_SECONDS is "soon"'],
  [{ AWS_ENDPOINT_URL_S3: 'localhost' }, 'AWS_ENDPOINT_URL_S3 is "localhost"'],
  [{ MATRX_HOME_EXCLUDES: '*.tmp,a/b' }, 'MATRX_HOME_EXCLUDES is "*.tmp,a/b": takes names, separated by commas'],
  [{ MATRX_HOME_EXCLUDES: '*.tmp,' }, 'MATRX_HOME_EXCLUDES is "*.tmp,"'],
  // kubelet gives a call two minutes: an answer that comes later is none.
  [{ MATRX_SAVE_WAIT_SECONDS: '120' }, 'MATRX_SAVE_WAIT_SECONDS is "120"'],
  [{ MATRX_COLD_PROVIDER: 'root' }, 'MATRX_COLD_PROVIDER is "root"'],
  [{ MATRX_COLD_PROVIDER: 'assume-role', AWS_REGION: 'eu-west-1' }, 'MATRX_COLD_ROLE_ARN is not set'],
  [{ MATRX_COLD_PROVIDER: 'accounts' }, 'AWS_ENDPOINT_URL_S3 is not set: MATRX_COLD_PROVIDER=accounts needs it'],
])('a wrong setting is named: %j', (change, message) => {
  expect(() => loadNodeConfig({ ...least, ...change })).toThrow(message);
});

test('what homes are saved without is a list of names', () => {
  const { homeExcludes } = loadNodeConfig({ ...least, MATRX_HOME_EXCLUDES: '*.tmp, .DS_Store,__pycache__/' });
  expect(homeExcludes).toEqual(['*.tmp', '.DS_Store', '__pycache__/']);
});

test('folders are taken in the one form that compares', () => {
  expect(loadNodeConfig({ ...least, KUBELET_DIR: '/var/lib/k3s/../kubelet/' }).kubeletDir).toBe('/var/lib/kubelet');
});

test('users share the driver’s own key only where that is said in so many words', () => {
  expect(loadNodeConfig({ ...least, AWS_REGION: 'eu-west-1' }).cold.credentials).toEqual({ provider: 'off' });
  expect(loadNodeConfig({ ...least, MATRX_COLD_PROVIDER: 'none' }).cold.credentials).toEqual({ provider: 'none' });
});
