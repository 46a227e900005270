import { expect, it } from '@jest/globals';
import { rcloneArguments, rcloneConfig, rcloneEnvironment } from '../../../src/node/cold/rclone-command.ts';

const SPEC = { bucket: 'files', prefix: 'users/ann/cold/', target: '/t/cold', folder: '/var/lib/matrx/cold/1' };
const SETTINGS = {
  program: '/usr/local/bin/rclone',
  region: 'eu-west-1',
  endpoint: undefined,
  ownerId: 1000,
  cacheBytes: 1024,
  writeBackSeconds: 5,
};

it('the process gets nothing of the driver’s own environment, which holds the driver’s credentials', () => {
  const env = rcloneEnvironment(SPEC, { AWS_ACCESS_KEY_ID: 'own', AWS_SECRET_ACCESS_KEY: 'own', SSL_CERT_FILE: '/ca' });
  expect(JSON.stringify(env)).not.toContain('own');
  expect(env['SSL_CERT_FILE']).toBe('/ca');
  expect(env['AWS_EC2_METADATA_DISABLED']).toBe('true');
});

it('is controlled by a UNIX socket, with a full cache that has a limit', () => {
  const args = rcloneArguments(SPEC, SETTINGS);
  expect(args.slice(0, 3)).toEqual(['mount2', 'cold:files/users/ann/cold/', '/t/cold']);
  expect(args).toEqual(
    expect.arrayContaining([
      '--rc-addr=unix:///var/lib/matrx/cold/1/rc.sock',
      '--vfs-cache-mode=full',
      '--vfs-links',
      '--vfs-cache-max-size=1024',
    ]),
  );
});

it('speaks to AWS by region, and to another server by address', () => {
  expect(rcloneConfig(SETTINGS)).toContain('provider = AWS\n');
  const other = rcloneConfig({ ...SETTINGS, endpoint: 'http://127.0.0.1:7070' });
  expect(other).toContain('endpoint = http://127.0.0.1:7070\nforce_path_style = true\n');
});
