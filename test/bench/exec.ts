import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, fetch, type Response } from 'undici';
import { SANDBOX_CONTAINER } from '../../src/api/names.ts';
import { systemClock } from '../../src/base/clock.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { NAMESPACE } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import type { Bench, BenchContext } from './context.ts';
import {
  type Measurement,
  millisecondsMeasured,
  perSecond,
  comparedWith,
  ratedNextTo,
  secondsMeasured,
} from './measurement.ts';
import { percentile } from './statistics.ts';
import { deleteObject } from './watch-object.ts';

const COMMANDS = 200;
/** Of those that cost a connection to the API server, or a process, each. */
const SLOW_COMMANDS = 50;
const WARM_UP = 20;
const AT_ONCE = 16;
const RATED = 2000;
const STREAM_BYTES = 1_000_000_000;
const FILE_BYTES = 4096;

/** Commands, output and files through the facade and sandboxd, next to what Kubernetes has for it. */
export const exec: Bench = {
  name: 'exec',
  about: 'commands, output and files through the facade, next to pods/exec and kubectl',
  seconds: 900,
  run: async (context) => {
    const rest = makeRest(context);
    try {
      const name = await rest.create();
      const measurements = [
        ...(await latencies(context, rest, name)),
        await commandRate(context, rest, name),
        await throughput(context, rest, name),
        ...(await fileRates(context, rest, name)),
      ];
      await rest.remove(name);
      return [...measurements, await firstOutput(context, rest)];
    } finally {
      await rest.close();
    }
  },
};

const latencies = async (context: BenchContext, rest: Rest, name: string): Promise<readonly Measurement[]> => {
  const viaRest = async (): Promise<void> => void (await rest.exec(name, 'true'));
  const viaPods = (): Promise<void> => podsExec(context, name, ['true']);
  const viaKubectl = async (): Promise<void> =>
    void (await context.kubectl.run(['exec', name, '-c', SANDBOX_CONTAINER, '--', 'true']));
  await samples(WARM_UP, viaRest);
  await samples(3, viaPods);
  const own = await samples(COMMANDS, viaRest);
  const pods = await samples(SLOW_COMMANDS, viaPods);
  const kubectl = await samples(SLOW_COMMANDS, viaKubectl);
  context.say(`   ${COMMANDS} commands through the facade, ${SLOW_COMMANDS} each by pods/exec and kubectl exec`);
  const goal = { goal: 'p50 under 10 ms' };
  return [
    comparedWith(millisecondsMeasured('exec-true', own, goal), 'pods/exec', pods.map(inMilliseconds)),
    comparedWith(millisecondsMeasured('exec-true-kubectl', own, goal), 'kubectl exec', kubectl.map(inMilliseconds)),
  ];
};

const commandRate = async (context: BenchContext, rest: Rest, name: string): Promise<Measurement> => {
  const own = await rate(RATED, async () => void (await rest.exec(name, 'true')));
  const pods = await rate(RATED / 10, () => podsExec(context, name, ['true']));
  context.say(`   ${RATED} commands, ${AT_ONCE} at a time`);
  return ratedNextTo(perSecond(`exec-rate-${AT_ONCE}-at-once`, '1/s', own, RATED), 'pods/exec', pods);
};

const throughput = async (context: BenchContext, rest: Rest, name: string): Promise<Measurement> => {
  const own: number[] = [];
  const kubectl: number[] = [];
  // Lines of text, as compilers and tests write them.
  const program = `yes "$(seq -s ' ' 30)" | head -c ${STREAM_BYTES}`;
  for (let round = 0; round < context.rounds; round += 1) {
    own.push(STREAM_BYTES / 1e6 / (await timed(() => rest.output(name, program))));
    kubectl.push(STREAM_BYTES / 1e6 / (await timed(() => kubectlOutput(context, name, program))));
    context.say(`   1 GB of output: ${own.at(-1)?.toFixed(0)} MB/s, kubectl exec ${kubectl.at(-1)?.toFixed(0)} MB/s`);
  }
  return comparedWith(
    { ...perSecond('stdout-1-gb', 'MB/s', percentile(own, 50), context.rounds) },
    'kubectl exec',
    kubectl,
  );
};

const fileRates = async (context: BenchContext, rest: Rest, name: string): Promise<readonly Measurement[]> => {
  const bytes = Buffer.alloc(FILE_BYTES, 'x');
  const written = await rate(RATED, (n) => rest.write(name, `bench/${n}`, bytes));
  const read = await rate(RATED, (n) => rest.read(name, `bench/${n}`, FILE_BYTES));
  const writtenByExec = await rate(RATED / 10, (n) =>
    podsExec(context, name, ['sh', '-c', `cat > /home/agent/bench/${n}`], bytes.toString()),
  );
  const readByExec = await rate(RATED / 10, (n) => podsExec(context, name, ['cat', `/home/agent/bench/${n}`]));
  context.say(`   ${RATED} files of 4 KB, ${AT_ONCE} at a time, written and read`);
  return [
    ratedNextTo(perSecond('files-written-4-kb', '1/s', written, RATED), 'pods/exec cat', writtenByExec),
    ratedNextTo(perSecond('files-read-4-kb', '1/s', read, RATED), 'pods/exec cat', readByExec),
  ];
};

/** A sandbox that is not there yet, until its first word is; next to the same through kubectl alone. */
const firstOutput = async (context: BenchContext, rest: Rest): Promise<Measurement> => {
  const own: number[] = [];
  const kubectl: number[] = [];
  for (let round = 0; round < context.starts; round += 1) {
    own.push(
      await timed(async () => {
        const name = await rest.create();
        if ((await rest.exec(name, 'echo hello')) !== 'hello') throw new Error('echo did not say hello');
        return name;
      }, rest.remove),
    );
    kubectl.push(
      await timed(async () => {
        const name = uniqueName('bench-echo');
        await context.kubectl.create({
          apiVersion: `${SANDBOXES.group}/${SANDBOXES.version}`,
          kind: SANDBOXES.kind,
          metadata: { name },
          spec: { userId: name },
        });
        await context.kubectl.run(['wait', '--for=condition=Ready', `sandbox/${name}`, '--timeout=60s'], {
          deadlineMs: 70_000,
        });
        await context.kubectl.run(['exec', name, '-c', SANDBOX_CONTAINER, '--', 'echo', 'hello']);
        return name;
      }, rest.remove),
    );
  }
  context.say(`   ${context.starts} sandboxes from the request to the first output`);
  return comparedWith(secondsMeasured('create-to-first-output', own), 'kubectl create, wait, exec', kubectl);
};

interface Rest {
  readonly create: () => Promise<string>;
  readonly remove: (name: string) => Promise<void>;
  /** Its stdout. */
  readonly exec: (name: string, command: string) => Promise<string>;
  /** Runs a command as a stream of events and reads all of its output. */
  readonly output: (name: string, command: string) => Promise<void>;
  readonly write: (name: string, path: string, bytes: Buffer) => Promise<void>;
  readonly read: (name: string, path: string, length: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const makeRest = ({ environment, kube, signal }: BenchContext): Rest => {
  const dispatcher = new Agent({ connections: AT_ONCE });
  const made = new Set<string>();
  const ask = async (method: string, path: string, body?: unknown, headers = {}): Promise<Response> => {
    const json = body !== undefined && !Buffer.isBuffer(body);
    const answer = await fetch(new URL(path, environment.MATRX_URL), {
      method,
      headers: {
        'x-api-key': environment.MATRX_API_KEY,
        ...(json ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : body }),
      signal,
      dispatcher,
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const remove: Rest['remove'] = async (name) => {
    await deleteObject(kube, { type: SANDBOXES, namespace: NAMESPACE, name }, AbortSignal.timeout(120_000));
    made.delete(name);
  };
  return {
    create: async () => {
      const answer = await ask('POST', '/sandboxes', { user_id: uniqueName('bench') });
      const { sandbox_id: name } = (await answer.json()) as { readonly sandbox_id: string };
      made.add(name);
      return name;
    },
    remove,
    exec: async (name, command) => {
      const answer = await ask('POST', `/sandboxes/${name}/exec`, { command });
      const { exit_code: code, stdout } = (await answer.json()) as {
        readonly exit_code: number;
        readonly stdout: string;
      };
      if (code !== 0) throw new Error(`${command} ended with ${code}`);
      return stdout;
    },
    output: async (name, command) => {
      const path = `/sandboxes/${name}/exec`;
      const answer = await ask('POST', path, { command, timeout: 600 }, { accept: 'text/event-stream' });
      let characters = 0;
      for await (const event of eventsOf(answer)) characters += event.data?.length ?? 0;
      if (characters !== STREAM_BYTES) throw new Error(`${characters} bytes of ${STREAM_BYTES} came`);
    },
    write: async (name, path, bytes) => {
      await (await ask('PUT', `/sandboxes/${name}/files/~/${path}`, bytes)).arrayBuffer();
    },
    read: async (name, path, length) => {
      const bytes = await (await ask('GET', `/sandboxes/${name}/files/~/${path}`)).arrayBuffer();
      if (bytes.byteLength !== length) throw new Error(`${bytes.byteLength} bytes of ${length} came`);
    },
    close: async () => {
      await dispatcher.close();
      await Promise.all([...made].map(remove));
    },
  };
};

/** The events of a stream that have text, as a client of it reads them. */
async function* eventsOf(answer: Response): AsyncGenerator<{ readonly data?: string }> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines)
      if (line.startsWith('data: {')) yield JSON.parse(line.slice(6)) as { readonly data?: string };
  }
}

const podsExec = async (
  { kube, signal }: BenchContext,
  pod: string,
  command: readonly string[],
  stdin?: string,
): Promise<void> => {
  const { exitCode } = await kube.exec(
    { namespace: NAMESPACE, pod, container: SANDBOX_CONTAINER, command, ...(stdin === undefined ? {} : { stdin }) },
    { timeoutMs: 30_000, maxBytes: 1_000_000, signal },
  );
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}`);
};

const kubectlOutput = async ({ signal }: BenchContext, name: string, program: string): Promise<void> => {
  const args = ['exec', name, '-n', NAMESPACE, '-c', SANDBOX_CONTAINER, '--', 'bash', '-c', program];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let bytes = 0;
  for await (const chunk of child.stdout) bytes += (chunk as Buffer).length;
  if (child.exitCode === null) await once(child, 'exit');
  if (bytes !== STREAM_BYTES) throw new Error(`kubectl: ${bytes} bytes of ${STREAM_BYTES} came`);
};

/** Seconds that `work` took; what it made is given to `after`, whose time does not count. */
const timed = async <T>(work: () => Promise<T>, after?: (made: T) => Promise<void>): Promise<number> => {
  const startedAt = systemClock.monotonic();
  const made = await work();
  const seconds = (systemClock.monotonic() - startedAt) / 1000;
  await after?.(made);
  return seconds;
};

/** Seconds each, one after the other. */
const samples = async (count: number, work: () => Promise<void>): Promise<readonly number[]> => {
  const all: number[] = [];
  for (let n = 0; n < count; n += 1) all.push(await timed(work));
  return all;
};

/** How many a second, with AT_ONCE of them under way. */
const rate = async (count: number, work: (n: number) => Promise<void>): Promise<number> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  return count / (await timed(() => Promise.all(Array.from({ length: AT_ONCE }, worker))));
};

const inMilliseconds = (seconds: number): number => seconds * 1000;
