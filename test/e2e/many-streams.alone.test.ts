import { createHash } from 'node:crypto';
import { Agent, request, type Dispatcher } from 'undici';
import { expect } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import { createParser } from '../facade/support/server-sent-events.ts';
import { bytesOf, type StreamEvent } from '../facade/support/event-stream.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { containerProcesses } from '../support/e2e-faults/container-processes.ts';
import { SYSTEM_NAMESPACE } from '../support/e2e-faults/system-containers.ts';

const SANDBOXES = 20;
/** Streams at the replica that is killed, and plain commands at the other one: 200 together. */
const EACH = 5;
const LINES = 500;
const GO = '$HOME/go';

const lines = `for n in $(seq 1 ${LINES}); do echo "line $n: €üß"; done`;
/** Half of its output before the deaths, half after. */
const command = (id: string): string =>
  `${lines}; until [ -e "${GO}" ]; do sleep 0.3; done; ${lines}; echo "end of ${id}"`;
const expected = (id: string): string => {
  const half = Array.from({ length: LINES }, (_, n) => `line ${n + 1}: €üß\n`).join('');
  return sha256(Buffer.from(`${half}${half}end of ${id}\n`));
};
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Replica {
  readonly url: string;
  readonly containerId: string;
}

const containerIdOf = ({ status }: Pod): string => {
  const [container] = (status?.containerStatuses ?? []) as readonly { readonly containerID?: string }[];
  return container?.containerID ?? '';
};

const replicasOf = async (cluster: Cluster): Promise<readonly [Replica, Replica]> => {
  const { items } = await cluster.kubectl.json<{ readonly items: readonly Pod[] }>([
    '-n',
    SYSTEM_NAMESPACE,
    'get',
    'pods',
    '-lapp.kubernetes.io/name=matrx-facade',
  ]);
  const replicas = items
    .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === 'Running')
    .map((pod) => ({ url: `http://${String(pod.status?.podIP)}:8000`, containerId: containerIdOf(pod) }));
  const [first, second] = replicas;
  if (first === undefined || second === undefined) throw new Error(`${replicas.length} facades run; this needs two`);
  return [first, second];
};

// Each stream is a connection of its own, and none of them is ended for being quiet.
const agent = new Agent({ connections: 300, headersTimeout: 0, bodyTimeout: 0 });

const call = (
  { environment, signal }: Cluster,
  replica: Replica,
  path: string,
  options: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> },
): Promise<Dispatcher.ResponseData> =>
  request(new URL(path, replica.url), {
    dispatcher: agent,
    method: options.body === undefined ? 'GET' : 'POST',
    headers: {
      'x-api-key': environment.MATRX_API_KEY,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.body === undefined ? null : JSON.stringify(options.body),
    signal,
  });

const run = async (cluster: Cluster, replica: Replica, name: string, text: string) => {
  const answer = await call(cluster, replica, `/sandboxes/${name}/exec`, { body: { command: text, timeout: 240 } });
  const body = (await answer.body.json()) as { readonly stdout?: string; readonly exit_code?: number };
  return { status: answer.statusCode, ...body };
};

interface Followed {
  readonly events: readonly StreamEvent[];
  readonly resumed: boolean;
}

/** Follows a command at one replica, and where that dies, from its last event on, at the other. */
const follow = async (
  cluster: Cluster,
  [first, second]: readonly [Replica, Replica],
  name: string,
  id: string,
  onOutput: () => void,
): Promise<Followed> => {
  const events: StreamEvent[] = [];
  let resumed = false;
  const take = async ({ statusCode, body }: Dispatcher.ResponseData): Promise<boolean> => {
    if (statusCode !== 200) throw new Error(`${statusCode} ${await body.text()}`);
    const parse = createParser();
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        for (const event of parse(decoder.decode(chunk, { stream: true }))) {
          if (!resumed || event.event !== 'start') events.push(event);
          if (event.event === 'stdout') onOutput();
          if (event.event === 'end') return true;
        }
      }
    } catch (error) {
      if (cluster.signal.aborted) throw error;
    }
    return false;
  };
  const begun = call(cluster, first, `/sandboxes/${name}/exec`, {
    body: { command: command(id), timeout: 240 },
    headers: { accept: 'text/event-stream' },
  });
  let ended = await take(await begun);
  while (!ended) {
    resumed = true;
    ended = await take(
      await call(cluster, second, `/sandboxes/${name}/processes/${String(events[0]?.data['process_id'])}/output`, {
        headers: { 'last-event-id': events.at(-1)?.id ?? '' },
      }),
    );
  }
  return { events, resumed };
};

/** Whether it is a stream whose process ended well. */
const isWhole = (outcome: unknown): boolean => {
  const { events = [] } = outcome as {
    readonly events?: readonly { readonly event: string; readonly data: unknown }[];
  };
  return events.some(({ event, data }) => event === 'end' && (data as { exit_code?: number }).exit_code === 0);
};

/** A client that takes about 1 kB a second of 500 MB, until the test is over. */
const readSlowly = async (cluster: Cluster, replica: Replica, name: string): Promise<() => void> => {
  const { body } = await call(cluster, replica, `/sandboxes/${name}/exec`, {
    body: { command: 'yes a slow reader | head -c 500000000', timeout: 600 },
    headers: { accept: 'text/event-stream' },
  });
  body.on('error', () => undefined);
  const timer = setInterval(() => void body.read(100), 100);
  return () => {
    clearInterval(timer);
    body.destroy();
  };
};

scenario(
  '200 commands over 20 sandboxes: a slow reader, a sandbox killed and a facade killed disturb none of the others [A1.10] [T1]',
  300,
  async (cluster) => {
    const names: string[] = [];
    for (let n = 0; n < SANDBOXES; n += 10) {
      const wave = Array.from({ length: 10 }, () => aSandbox('many').ephemeral());
      names.push(...(await Promise.all(wave.map((sandbox) => cluster.start(sandbox, 120_000)))));
    }
    const [doomed = '', ...healthy] = names;
    const replicas = await replicasOf(cluster);
    const [mortal, survivor] = replicas;
    const stopReading = await readSlowly(cluster, survivor, healthy[0] ?? '');

    const ids = names.flatMap((name) => Array.from({ length: EACH }, (_, n) => ({ name, id: `${name}-${n}` })));
    const outputs: Promise<void>[] = [];
    const streams = ids.map(({ name, id }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      outputs.push(promise);
      return follow(cluster, replicas, name, id, resolve).catch((error: unknown) => error);
    });
    const commands = ids.map(({ name, id }) =>
      run(cluster, survivor, name, command(id)).catch((error: unknown) => error),
    );
    await Promise.all(outputs);

    const pod = await cluster.kubectl.json<Pod>(['get', 'pod', doomed]);
    const [sandboxd] = await containerProcesses(containerIdOf(pod));
    const [facade] = await containerProcesses(mortal.containerId);
    process.kill(facade.pid, 'SIGKILL');
    process.kill(sandboxd.pid, 'SIGKILL');
    await Promise.all(healthy.map((name) => run(cluster, survivor, name, `touch "${GO}"`)));

    for (const [index, { name, id }] of ids.entries()) {
      const [stream, plain] = [await streams[index], await commands[index]];
      if (name === doomed) {
        // Its processes died with it: whoever waited for them hears that, and nobody hangs.
        expect(isWhole(stream) || isWhole({ events: [{ event: 'end', data: plain }] })).toBe(false);
        continue;
      }
      const { events, resumed } = stream as Followed;
      expect({ id, resumed, last: events.at(-1)?.event, gap: events.some(({ event }) => event === 'gap') }).toEqual({
        id,
        resumed: true,
        last: 'end',
        gap: false,
      });
      expect({ id, bytes: sha256(bytesOf(events, 'stdout')) }).toEqual({ id, bytes: expected(id) });
      expect(plain).toMatchObject({ status: 200, exit_code: 0 });
      expect(sha256(Buffer.from(`${(plain as { stdout: string }).stdout}\n`))).toBe(expected(id));
    }
    stopReading();
    expect((await run(cluster, survivor, healthy[0] ?? '', 'echo still here')).stdout).toBe('still here');
  },
);
