import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { systemClock as clock } from '../../src/base/clock.ts';
import { signRequest } from '../../src/base/sign-request.ts';
import { systemRandom } from '../../src/base/random.ts';
import { VERSITYGW } from '../../src/local/cluster/binaries.ts';
import { freePort } from '../../src/local/s3-server.ts';
import { makeAccountCredentials } from '../../src/node/cold/account-credentials.ts';
import type { CredentialProvider, UserCredentials } from '../../src/node/cold/credentials.ts';
import type { ColdMountSpec, MountDriver } from '../../src/node/cold/mount-driver.ts';
import { makeRcloneDriver } from '../../src/node/cold/rclone-driver.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { makeS3Store } from '../../src/workspace/s3/store.ts';
import { builtProgram, builtRclone } from './built-program.ts';
import { eventually } from './e2e/eventually.ts';

const REGION = 'us-east-1';
const ROOT: UserCredentials = { accessKeyId: 'rootkey', secretAccessKey: 'rootsecret' };
export const BUCKET = 'cold-files';

/** A real versitygw on loopback, a real rclone, and folders of the test's own. */
export interface ColdWorld {
  readonly endpoint: string;
  readonly store: ObjectStore;
  readonly provider: CredentialProvider;
  /** Another one, as another process of the driver has it. */
  readonly makeProvider: () => CredentialProvider;
  readonly driver: MountDriver;
  /** A store with one user's credentials. */
  readonly storeOf: (credentials: UserCredentials) => ObjectStore;
  readonly spec: (userId: string) => ColdMountSpec;
  /** Does nothing where it runs. */
  readonly startServer: () => Promise<void>;
  /** Kills the server; its data stays. */
  readonly stopServer: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const openColdWorld = async (): Promise<ColdWorld> => {
  const rclone = await builtRclone();
  const versitygw = await builtProgram(VERSITYGW);
  const folder = mkdtempSync(join(tmpdir(), 'matrx-cold-'));
  for (const name of ['data', 'versions', 'iam', 'mounts']) mkdirSync(join(folder, name));
  const port = await freePort(0);
  const endpoint = `http://127.0.0.1:${port}`;
  const [iamPort, iamSocket] = [await freePort(0), join(folder, 'iam.sock')];
  const env = { PATH: process.env['PATH'], ROOT_ACCESS_KEY: ROOT.accessKeyId, ROOT_SECRET_KEY: ROOT.secretAccessKey };
  const iam = spawn(
    versitygw,
    [
      `--port=127.0.0.1:${iamPort}`,
      `--region=${REGION}`,
      '--quiet',
      'iam',
      `--dir=${join(folder, 'iam')}`,
      `--private-ports=${iamSocket}`,
    ],
    { env, stdio: 'ignore' },
  );
  await until(() => accepts(iamPort));
  let server: ChildProcess | undefined;
  const targets: string[] = [];
  const mounts = makeMounts();
  const stores: ObjectStore[] = [];
  const storeOf = (credentials: UserCredentials): ObjectStore => {
    const made = makeS3Store({ bucket: BUCKET, endpoint, region: REGION, credentials, clock, random: systemRandom });
    stores.push(made);
    return made;
  };

  const startServer = async (): Promise<void> => {
    if (server !== undefined && server.exitCode === null && server.signalCode === null) return;
    const args = [
      `--port=127.0.0.1:${port}`,
      `--iam-standalone-endpoint=${iamSocket}`,
      `--region=${REGION}`,
      '--quiet',
    ];
    server = spawn(
      versitygw,
      [...args, 'posix', `--versioning-dir=${join(folder, 'versions')}`, join(folder, 'data')],
      {
        env,
        stdio: 'ignore',
      },
    );
    await until(() => accepts(port));
  };
  const stopServer = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  await startServer();
  // Not as a folder: a bucket without the server's own attributes is copied from by nobody.
  const made = new URL(`/${BUCKET}`, endpoint);
  const request = { method: 'PUT', url: made, body: '', region: REGION, credentials: ROOT, now: clock.now() } as const;
  const { ok } = await fetch(made, { method: 'PUT', headers: { ...signRequest(request) } });
  if (!ok) throw new Error(`the bucket ${BUCKET} cannot be made`);

  const makeProvider = (): CredentialProvider =>
    makeAccountCredentials({
      endpoint,
      iamEndpoint: `http://127.0.0.1:${iamPort}`,
      region: REGION,
      bucket: BUCKET,
      root: () => Promise.resolve(ROOT),
      now: clock.now,
    });
  return {
    endpoint,
    store: storeOf(ROOT),
    provider: makeProvider(),
    makeProvider,
    driver: makeRcloneDriver({
      program: rclone,
      region: REGION,
      endpoint,
      ownerId: 1000,
      cacheBytes: 1 << 30,
      writeBackSeconds: 2,
      clock,
      mounts,
      env: {},
    }),
    storeOf,
    spec: (userId) => {
      const own = mkdtempSync(join(folder, 'mounts', 'm-'));
      const target = join(own, 'cold');
      mkdirSync(target);
      mkdirSync(join(own, 'run'), { mode: 0o700 });
      targets.push(target);
      return { bucket: BUCKET, prefix: `${workspacePrefix(userId)}cold/`, target, folder: join(own, 'run') };
    },
    startServer,
    stopServer,
    close: async () => {
      for (const store of stores) store.close();
      await stopServer();
      iam.kill('SIGKILL');
      for (const target of targets) await mounts.unbind(target).catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Asks until it holds; two minutes at most. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  await eventually(holds.toString(), holds, { deadlineMs: 120_000, everyMs: 50 });
};
