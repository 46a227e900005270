import { createServer } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSITYGW, VERSITYGW_VERSION } from './cluster/binaries.ts';
import { givenBucket, readBucket, writeBucket, type BucketRecord } from './bucket.ts';
import { buildGoProgram, locateGoProgram } from './go-build.ts';
import { daemonEnvironment, type Local } from './local.ts';
import { signRequest } from '../base/sign-request.ts';
import type { StepContext } from './step.ts';
import { waitForDaemon } from './wait-for-daemon.ts';

export const S3_DAEMON = 's3';
const IAM_DAEMON = 's3-iam';
const BUCKET = 'matrx-workspaces';
const REGION = 'us-east-1';
/** Tried first, so that the address is the same on most machines. */
const USUAL_PORT = 7070;
const USUAL_IAM_PORT = 7071;

/** The bucket of the environment, or that of a server of our own on the machine's loopback address. */
export const ensureBucket = async (local: Local, context: StepContext): Promise<string> => {
  const recorded = await readBucket(local.paths);
  const given = givenBucket(local.settings.bucket, recorded);
  if (given !== undefined) {
    await writeBucket(local.paths, { ...given, embedded: false });
    return `bucket ${given.bucket}, as the environment says${given.endpoint === undefined ? '' : `, at ${given.endpoint}`}`;
  }
  const known = recorded?.embedded === true ? recorded : await newEmbeddedBucket(local);
  const record = { ...known, iam: known.iam ?? `http://127.0.0.1:${await freePort(USUAL_IAM_PORT)}` };
  const { path, exists } = await locateGoProgram(VERSITYGW, local.paths.cache, local.env);
  if (!exists) {
    context.report(`building versitygw ${VERSITYGW_VERSION}`);
    await buildGoProgram(VERSITYGW, path, { env: local.env, log: context.log, onLine: context.report });
  }
  const started = await startServer(local, record, path);
  await waitForDaemon(local, [S3_DAEMON, IAM_DAEMON], () => ensureBucketExists(local, record), {
    what: `the S3 server at ${record.endpoint}`,
    deadlineMs: 30_000,
    signal: context.signal,
  });
  await writeBucket(local.paths, record);
  return `versitygw ${VERSITYGW_VERSION} ${started ? 'started' : 'runs'} at ${record.endpoint}, bucket ${record.bucket}: no MATRX_S3_BUCKET is set`;
};

const newEmbeddedBucket = async (local: Local): Promise<BucketRecord> => ({
  embedded: true,
  bucket: BUCKET,
  region: REGION,
  endpoint: `http://127.0.0.1:${await freePort(USUAL_PORT)}`,
  credentials: { accessKeyId: `matrx${local.random.hex(8)}`, secretAccessKey: local.random.hex(24) },
});

/** The folder of old versions must neither lie in the data folder nor share a name prefix with it. */
const startServer = async (local: Local, record: EmbeddedBucket, program: string): Promise<boolean> => {
  const [data, versions] = [join(local.paths.s3, 'data'), join(local.paths.s3, 'versions')];
  for (const folder of [data, versions]) await mkdir(folder, { recursive: true, mode: 0o700 });
  return local.daemons.ensure({
    name: S3_DAEMON,
    argv: [
      program,
      `--port=${new URL(record.endpoint ?? '').host}`,
      `--region=${record.region}`,
      `--iam-standalone-endpoint=${await startIam(local, record, program)}`,
      '--quiet',
      'posix',
      `--versioning-dir=${versions}`,
      data,
    ],
    env: rootEnvironment(local, record),
    configuration: JSON.stringify(record),
  });
};

/** The server's users, for cold storage; resolves with the socket that the S3 server asks. */
const startIam = async (local: Local, record: EmbeddedBucket, program: string): Promise<string> => {
  const [users, socket] = [join(local.paths.s3, 'users'), join(local.paths.s3, 'iam.sock')];
  await mkdir(users, { recursive: true, mode: 0o700 });
  await local.daemons.ensure({
    name: IAM_DAEMON,
    argv: [
      program,
      `--port=${new URL(record.iam).host}`,
      `--region=${record.region}`,
      '--quiet',
      'iam',
      `--dir=${users}`,
      `--private-ports=${socket}`,
    ],
    env: rootEnvironment(local, record),
    configuration: JSON.stringify(record),
  });
  return socket;
};

/** In the environment, where other users of the machine cannot read them, as they can a command line. */
const rootEnvironment = (local: Local, { credentials }: EmbeddedBucket): NodeJS.ProcessEnv => ({
  ...daemonEnvironment(local),
  ROOT_ACCESS_KEY: credentials?.accessKeyId,
  ROOT_SECRET_KEY: credentials?.secretAccessKey,
});

type EmbeddedBucket = BucketRecord & { readonly iam: string };

const VERSIONING =
  '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>';

/** Makes the bucket unless it is there, with versions, as a bucket for people's files should be. */
const ensureBucketExists = async (local: Local, record: BucketRecord): Promise<true> => {
  const request = async (method: 'HEAD' | 'PUT', query: string, body: string): Promise<number> => {
    const url = new URL(`/${record.bucket}${query}`, record.endpoint);
    const credentials = record.credentials;
    if (credentials === undefined) throw new Error('the embedded S3 server has no credentials');
    const headers = signRequest({ method, url, body, region: record.region, credentials, now: local.clock.now() });
    const response = await fetch(url, {
      method,
      headers: { ...headers },
      ...(body === '' ? {} : { body }),
      signal: AbortSignal.timeout(5000),
    });
    const text = await response.text();
    if (response.ok || response.status === 404) return response.status;
    throw new Error(`${method} ${url.href} is answered with ${response.status} ${text.slice(0, 300)}`);
  };
  if ((await request('HEAD', '', '')) === 404) await request('PUT', '', '');
  await request('PUT', '?versioning=', VERSIONING);
  return true;
};

/** `wanted` when nothing listens there, else any. */
export const freePort = async (wanted: number): Promise<number> => {
  const listen = (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
      });
    });
  const port = (await listen(wanted)) ?? (await listen(0));
  if (port === undefined) throw new Error('no port is free on 127.0.0.1');
  return port;
};
