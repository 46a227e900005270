import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ANNOTATION_TRACEPARENT } from '../../src/api/names.ts';
import { makeInbox, type Inbox } from '../support/inbox.ts';
import { type Kubeconfig, writeKubeconfig } from '../support/kube-server/kubeconfig.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { startTraceReceiver, type TraceReceiver } from '../support/trace-receiver.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const KEY = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
/** Says of each module that is resolved whose it is. */
const TELL_MODULES = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module';
   registerHooks({ resolve: (name, context, next) => {
     const found = next(name, context);
     const of = /node_modules\\/(@opentelemetry\\/[^/]+)/.exec(found.url);
     if (of !== null) process.stderr.write('loaded ' + of[1] + '\\n');
     return found;
   } });`,
)}`;

type Line = Readonly<Record<string, unknown>>;

let server: KubeServer;
let kubeconfig: Kubeconfig;
let receiver: TraceReceiver;
let facade: ChildProcess | undefined;
let lines: Inbox<Line>;
let loaded: Set<string>;

beforeEach(async () => {
  server = await startKubeServer();
  server.answer((exchange) => {
    if (exchange.query['watch'] === 'true') exchange.stream();
    else if (exchange.method === 'GET') exchange.list([], '1');
    else exchange.json(201, exchange.body);
  });
  kubeconfig = await writeKubeconfig(server.url);
  receiver = await startTraceReceiver();
  lines = makeInbox('line of the log');
  loaded = new Set();
});

afterEach(async () => {
  facade?.kill('SIGKILL');
  await server.close();
  await kubeconfig.remove();
  await receiver.close();
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

/** The program itself, with these variables; resolves with the address of its API when it serves it. */
const start = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const [port, operations] = [await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', TELL_MODULES, MAIN, 'facade'],
    {
      env: {
        KUBECONFIG: kubeconfig.path,
        MATRX_FACADE_KEY: KEY,
        MATRX_AUTH: 'disabled',
        MATRX_SSH: 'disabled',
        MATRX_HOST: '127.0.0.1',
        MATRX_PORT: String(port),
        MATRX_HTTP_PORT: String(operations),
        ...env,
      },
    },
  );
  facade = child;
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line));
  createInterface(child.stderr).on('line', (line) => loaded.add(line));
  await untilLogged(({ msg }) => msg === 'REST server listens');
  return `http://127.0.0.1:${port}`;
};

const untilLogged = async (matches: (line: Line) => boolean): Promise<Line> => {
  for (;;) {
    const line = await lines.next();
    if (matches(line)) return line;
  }
};

const createSandbox = async (url: string): Promise<void> => {
  const answer = await fetch(`${url}/sandboxes`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      prefer: 'respond-async',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    },
    body: JSON.stringify({ user_id: 'ann' }),
  });
  expect(answer.status).toBe(202);
};

const end = async (): Promise<number | null> => {
  const ended = new Promise<number | null>((resolve) => facade?.once('exit', resolve));
  facade?.kill('SIGTERM');
  return ended;
};

describe('the facade as a process', () => {
  it('sends a request and its call to the API server as one trace, which the log names, and what is left at its end', async () => {
    const url = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    const posted = server.take('POST');
    const asked = createSandbox(url);
    const write = await posted;
    write.json(201, write.body);
    await asked;
    const line = await untilLogged(({ msg }) => msg === 'request');
    expect(await end()).toBe(0);

    const request = await receiver.until('POST /sandboxes');
    const call = await receiver.until('POST sandboxes');
    expect(request).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) });
    expect(request.resource).toMatchObject({
      'service.name': 'matrx-facade',
      'service.version': expect.any(String),
      'deployment.environment.name': 'test',
    });
    expect(call).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId });
    expect(line).toMatchObject({ trace_id: request.traceId, span_id: request.spanId });
    expect(write.body).toMatchObject({
      metadata: { annotations: { [ANNOTATION_TRACEPARENT]: `00-${request.traceId}-${request.spanId}-01` } },
    });
    expect(
      receiver
        .spans()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['POST /sandboxes', 'POST sandboxes']);
    expect(loaded).toContain('loaded @opentelemetry/sdk-trace');
  });

  it('that is not told where to send traces loads nothing for it, writes nothing and says nothing of it', async () => {
    const url = await start({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' });
    const posted = server.take('POST');
    const asked = createSandbox(url);
    const write = await posted;
    write.json(201, write.body);
    await asked;
    expect(await untilLogged(({ msg }) => msg === 'request')).not.toHaveProperty('trace_id');
    expect(await end()).toBe(0);
    expect(JSON.stringify(write.body)).not.toContain(ANNOTATION_TRACEPARENT);
    // The API alone is what prom-client brings along, for exemplars.
    expect([...loaded].filter((name) => name !== 'loaded @opentelemetry/api')).toEqual([]);
  });

  it('ends in time where the receiver never answers', async () => {
    receiver.answer(() => undefined);
    const url = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    await fetch(`${url}/health`);
    await receiver.until('GET /health');
    expect(await end()).toBe(0);
  });
});
