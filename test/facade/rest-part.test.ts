import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import pino from 'pino';
import { systemRandom } from '../../src/base/random.ts';
import type { RequestState } from '../../src/facade/request-state.ts';
import { type RestPart, restPart } from '../../src/facade/rest-part.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

interface Server {
  readonly rest: RestPart;
  readonly clock: VirtualClock;
  readonly shutdown: AbortController;
  readonly url: string;
  /** Resolves when a request is being worked on. */
  readonly entered: Promise<void>;
}

/** One whose only request takes until `until`. */
const startServer = async (until: (shutdown: AbortSignal) => Promise<void>): Promise<Server> => {
  const clock = makeVirtualClock();
  const shutdown = new AbortController();
  const entered = Promise.withResolvers<void>();
  const app = new Koa<RequestState>();
  app.use(async (context) => {
    entered.resolve();
    await until(shutdown.signal);
    context.body = shutdown.signal.aborted ? 'ended' : 'done';
  });
  const log = pino({ level: 'silent' });
  const rest = restPart({
    app,
    upgrade: refuseUpgrades,
    host: '127.0.0.1',
    port: 0,
    drainMs: 20_000,
    shutdown,
    clock,
    random: systemRandom,
    log,
  });
  expect(rest.check.check().ok).toBe(false);
  await rest.start({ signal: new AbortController().signal, fail: () => undefined });
  const url = `http://127.0.0.1:${rest.address().port}`;
  return { rest, clock, shutdown, url, entered: entered.promise };
};

const refuseUpgrades = (_request: unknown, socket: Duplex): void => void socket.destroy();

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('the REST server', () => {
  it('is ready from its start to its stop', async () => {
    const { rest } = await startServer(() => Promise.resolve());
    expect(rest.check.check()).toEqual({ ok: true, message: 'listens' });
    await rest.stop();
    expect(rest.check.check().ok).toBe(false);
  });

  it('lets a request under way end by itself, and takes no other', async () => {
    const go = Promise.withResolvers<void>();
    const { rest, clock, url, entered } = await startServer(() => go.promise);
    const answer = fetch(url).then((response) => response.text());
    await entered;
    const stopped = rest.stop();
    await expect(fetch(url)).rejects.toThrow();
    go.resolve();
    expect(await answer).toBe('done');
    await stopped;
    expect(clock.sleepers()).toBe(0);
  });

  it('ends what is left after the drain time, and lets it answer', async () => {
    const { rest, clock, url, entered, shutdown } = await startServer(untilAborted);
    const answer = fetch(url).then((response) => response.text());
    await entered;
    const stopped = rest.stop();
    await clock.advance(19_999);
    expect(shutdown.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await answer).toBe('ended');
    await stopped;
  });

  it('cuts what does not even listen to that', async () => {
    const { rest, clock, url, entered } = await startServer(() => new Promise(() => undefined));
    const cut = expect(fetch(url)).rejects.toThrow();
    await entered;
    const stopped = rest.stop();
    await clock.advance(22_000);
    await cut;
    await stopped;
  });

  it('does not wait for a connection that was opened in advance and has never asked for anything', async () => {
    const { rest, clock, url } = await startServer(() => Promise.resolve());
    const silent = connect(Number(new URL(url).port), '127.0.0.1');
    await once(silent, 'connect');
    // Answered after the other one was accepted.
    await (await fetch(url)).text();
    const closed = once(silent, 'close');
    await rest.stop();
    await closed;
    expect(clock.sleepers()).toBe(0);
  });

  it('closes the connection of an upload that was answered early once the rest of it has come', async () => {
    const { rest, clock, url } = await startServer(() => Promise.resolve());
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    client.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
    await once(client, 'data');
    const stopped = rest.stop();
    client.write('67890');
    await once(client, 'end');
    client.end();
    await stopped;
    expect(clock.sleepers()).toBe(0);
  });

  it('says which port is taken', async () => {
    const first = await startServer(() => Promise.resolve());
    const log = pino({ level: 'silent' });
    const second = restPart({
      app: new Koa<RequestState>(),
      upgrade: refuseUpgrades,
      host: '127.0.0.1',
      port: first.rest.address().port,
      drainMs: 1,
      shutdown: new AbortController(),
      clock: makeVirtualClock(),
      random: systemRandom,
      log,
    });
    const context = { signal: new AbortController().signal, fail: () => undefined };
    await expect(second.start(context)).rejects.toThrow(/EADDRINUSE.*127\.0\.0\.1/);
    await second.stop();
    await first.rest.stop();
  });
});
