import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { Agent, request } from 'undici';
import { SANDBOX_CONTAINER } from '../../src/api/names.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const CHUNK = 1 << 20;
const CHUNKS = 1000;
const WARM_UP_ROUNDS = 10;
const WARM_UP_CHUNKS = 32;
/** What tells a file that passes through from one that is kept. */
const MAX_GROWTH_MB = 50;

/** One process whose memory is watched: `kubectl exec` arguments that lead to it, and a shell expression for its id. */
interface Watched {
  readonly name: string;
  readonly target: readonly string[];
  readonly pid: string;
}

const inProcess = (cluster: Cluster, { target, pid }: Watched, script: string): Promise<string> =>
  cluster.kubectl.run(['exec', ...target, '--', 'sh', '-c', `pid=${pid}; ${script}`]);

/** Bytes resident now; from now on the kernel remembers the peak anew (proc(5), clear_refs). */
const startWatching = async (cluster: Cluster, watched: Watched): Promise<number> =>
  kilobytes(await inProcess(cluster, watched, 'echo 5 > /proc/$pid/clear_refs; grep VmRSS /proc/$pid/status'));
const peak = async (cluster: Cluster, watched: Watched): Promise<number> =>
  kilobytes(await inProcess(cluster, watched, 'grep VmHWM /proc/$pid/status'));
const kilobytes = (line: string): number => Number(/(\d+) kB/.exec(line)?.[1]) * 1024;

const chunk = (number: number): Buffer => {
  const bytes = Buffer.alloc(CHUNK, `${number} `);
  bytes.writeUInt32BE(number, 0);
  return bytes;
};

scenario('a file of 1 GB goes up and down without being kept in memory', 240, async (cluster) => {
  const { MATRX_URL: base, MATRX_API_KEY: key } = cluster.environment;
  const name = await cluster.start(aSandbox('large').ephemeral());
  const url = new URL(`/sandboxes/${name}/files/~/large`, base);
  const headers = { 'x-api-key': key };

  const facades = await cluster.kubectl.json<{
    readonly items: readonly { readonly metadata: { readonly name: string; readonly deletionTimestamp?: string } }[];
  }>([
    '-n',
    'matrx-system',
    'get',
    'pods',
    '-l',
    'app.kubernetes.io/name=matrx-facade',
    '--field-selector=status.phase=Running',
  ]);
  // One that an earlier roll-out is ending still runs.
  const replicas = facades.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  expect(replicas.length).toBeGreaterThan(0);
  const watched: readonly Watched[] = [
    ...replicas.map(({ metadata }) => ({
      name: metadata.name,
      target: ['-n', 'matrx-system', metadata.name],
      pid: '1',
    })),
    { name: 'sandboxd', target: [name, '-c', SANDBOX_CONTAINER], pid: '$(pgrep -f sandboxd/main[.]js)' },
  ];
  // What a process of Node grows by when it first works is not what a file costs: each replica has seen some before.
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    // Over a connection of its own: which replica it leads to is chosen anew.
    const dispatcher = new Agent();
    const options = { headers, dispatcher, signal: cluster.signal };
    await (await request(url, { ...options, method: 'PUT', body: Buffer.alloc(WARM_UP_CHUNKS * CHUNK) })).body.dump();
    await (await request(url, options)).body.arrayBuffer();
    await dispatcher.close();
  }
  const before = await Promise.all(watched.map((one) => startWatching(cluster, one)));

  const sent = createHash('sha256');
  const body = async function* (): AsyncGenerator<Buffer> {
    for (let number = 0; number < CHUNKS; number += 1) {
      const bytes = chunk(number);
      sent.update(bytes);
      yield bytes;
    }
  };
  const up = await fetch(url, {
    method: 'PUT',
    headers,
    signal: cluster.signal,
    ...({ body: body(), duplex: 'half' } as object),
  });
  expect(up.status).toBe(200);
  const expected = sent.digest('hex');
  expect(await cluster.shell(name, 'sha256sum < large')).toBe(`${expected}  -\n`);

  const received = createHash('sha256');
  const down = await fetch(url, { headers, signal: cluster.signal });
  expect(down.headers.get('content-length')).toBe(String(CHUNK * CHUNKS));
  for await (const bytes of down.body as AsyncIterable<Uint8Array>) received.update(bytes);
  expect(received.digest('hex')).toBe(expected);

  const after = await Promise.all(watched.map((one) => peak(cluster, one)));
  const growth = watched.map(({ name: process }, index) => ({
    process,
    megabytes: ((after[index] as number) - (before[index] as number)) / 1_000_000,
  }));
  process.stderr.write(`  ${growth.map((one) => `${one.process} +${one.megabytes.toFixed(1)} MB`).join(', ')}\n`);
  expect(growth.filter(({ megabytes }) => megabytes >= MAX_GROWTH_MB)).toEqual([]);
});
