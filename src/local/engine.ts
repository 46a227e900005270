import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectEngine, type DockerEngine } from '../docker/engine.ts';
import { errorMessage } from '../base/errors.ts';
import { daemonEnvironment, type Local } from './local.ts';
import { ENGINE_PROGRAMS, installPackages, missingPackages } from './packages.ts';
import type { StepContext } from './step.ts';
import { waitForDaemon } from './wait-for-daemon.ts';

export const ENGINE_DAEMON = 'dockerd';
const STANDARD_SOCKET = '/var/run/docker.sock';

/** An engine and what to do with it afterwards. */
export interface OpenEngine {
  readonly engine: DockerEngine;
  /** Which engine, for a person. */
  readonly which: string;
  /** Ends an engine that was started for this; leaves the machine's own alone. */
  readonly close: () => Promise<void>;
}

/**
 * The engine that DOCKER_HOST or the standard socket reaches; else one of our own, which shares nothing with the
 * machine: its images lie in the cache, it makes no bridge and no firewall rule, and it ends when it is closed.
 */
export const openEngine = async (local: Local, context: StepContext): Promise<OpenEngine> => {
  const { dockerHost } = local.settings;
  if (dockerHost !== undefined) {
    const engine = connectEngine('environment');
    await engine.ping();
    return { engine, which: `the engine of DOCKER_HOST (${dockerHost})`, close: async () => {} };
  }
  if (existsSync(STANDARD_SOCKET)) {
    const engine = connectEngine({ socket: STANDARD_SOCKET });
    const problem = await engine.ping().catch((error: unknown) => errorMessage(error));
    if (problem === undefined) return { engine, which: 'the engine of this machine', close: async () => {} };
    context.report(`the engine of this machine does not answer (${problem})`);
  }
  return startOwnEngine(local, context);
};

const startOwnEngine = async (local: Local, context: StepContext): Promise<OpenEngine> => {
  if (!local.isRoot) throw new Error('no Docker Engine answers, and starting one needs root');
  const missing = await missingPackages(ENGINE_PROGRAMS, [], local.env.PATH ?? '');
  if (missing.length > 0) {
    context.report(`installing ${missing.join(' ')}`);
    await installPackages(missing, { env: local.env, isRoot: local.isRoot, log: context.log, onLine: context.report });
  }
  const socket = join(local.paths.run, 'docker.sock');
  const [data, exec] = [join(local.paths.cache, 'docker'), join(local.paths.run, 'docker')];
  for (const folder of [data, exec]) await mkdir(folder, { recursive: true, mode: 0o711 });
  // After a reboot its number may be another process's, and dockerd would not start.
  if (!(await local.daemons.isAlive(ENGINE_DAEMON))) await rm(join(local.paths.run, 'docker.pid'), { force: true });
  // A configuration file of its own: the machine's /etc/docker/daemon.json is not for this engine.
  const configuration = join(local.paths.run, 'dockerd.json');
  await writeFile(configuration, '{}\n');
  await local.daemons.ensure({
    name: ENGINE_DAEMON,
    argv: [
      'dockerd',
      `--host=unix://${socket}`,
      `--data-root=${data}`,
      `--exec-root=${exec}`,
      `--pidfile=${join(local.paths.run, 'docker.pid')}`,
      `--config-file=${configuration}`,
      '--group=root',
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      '--userland-proxy=false',
      '--log-level=warn',
    ],
    env: engineEnvironment(local),
  });
  const engine = connectEngine({ socket });
  await waitForDaemon(local, [ENGINE_DAEMON], () => engine.ping().then(() => true), {
    what: 'the Docker Engine',
    deadlineMs: 60_000,
    signal: context.signal,
  });
  return {
    engine,
    which: 'an engine of our own, as none answered',
    close: async () => void (await local.daemons.stop(ENGINE_DAEMON, 20_000)),
  };
};

/** Pulls go through the proxy that the shell names, and trust the CAs it trusts. */
const engineEnvironment = (local: Local): Readonly<NodeJS.ProcessEnv> =>
  Object.freeze({
    ...Object.fromEntries(
      ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'SSL_CERT_FILE'].flatMap((name) =>
        local.env[name] === undefined ? [] : [[name, local.env[name]]],
      ),
    ),
    ...daemonEnvironment(local),
  });
