import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import {
  type DaemonConnections,
  type DaemonTarget,
  DaemonUnreachable,
} from '../../../src/facade/daemon/connections.ts';
import { makePatientConnections } from '../../../src/facade/daemon/patience.ts';
import { DaemonError } from '../../../src/sandboxd/protocol/problem.ts';
import { makeVirtualClock } from '../../support/virtual-clock.ts';

const POD: DaemonTarget = { podIP: '10.0.0.9', podUid: 'pod-1' };
const { signal } = new AbortController();
const GET = { method: 'GET', path: '/x', signal } as const;

/** A pod whose daemon is there or not, as the test says. */
const aPod = () => {
  const clock = makeVirtualClock();
  let state: 'listening' | 'refused' | 'silent' | 'refusing' = 'refused';
  let tries = 0;
  const asked: string[] = [];
  const connections: DaemonConnections = {
    request: (target, { path }) => {
      tries += 1;
      if (state === 'refused') return Promise.reject(new DaemonUnreachable(target, { code: 'ECONNREFUSED' }));
      if (state === 'silent') return Promise.reject(new DaemonUnreachable(target, { code: 'ETIMEDOUT' }));
      asked.push(path);
      if (state === 'refusing') return Promise.reject(new DaemonError('not_found', 'no such thing'));
      return Promise.resolve(Readable.from([]) as unknown as IncomingMessage);
    },
    tunnel: () => Promise.reject(new Error('not asked for')),
    close: () => undefined,
  };
  return {
    clock,
    connections: makePatientConnections(connections, clock),
    is: (now: typeof state) => {
      state = now;
    },
    tries: () => tries,
    asked,
  };
};

const advanced = async <T>(pod: ReturnType<typeof aPod>, ms: number, work: Promise<T>): Promise<T | Error> => {
  const settled = work.catch((error: unknown) => error as Error);
  await pod.clock.advance(ms);
  return settled;
};

describe('patient connections', () => {
  test('wait for a daemon whose container has only just started', async () => {
    const pod = aPod();
    const answer = pod.connections.request(POD, GET);
    await pod.clock.advance(100);
    pod.is('listening');
    await pod.clock.advance(100);
    expect(await answer).toBeInstanceOf(Readable);
  });

  test('take an image for one without a daemon after two seconds, and from then on at once', async () => {
    const pod = aPod();
    expect(await advanced(pod, 2100, pod.connections.request(POD, GET))).toMatchObject({ refused: true });
    const before = pod.tries();
    await expect(pod.connections.request(POD, GET)).rejects.toMatchObject({ refused: true });
    expect(pod.tries()).toBe(before + 1);
    expect(pod.clock.sleepers()).toBe(0);
  });

  test('find a daemon that comes later than that, and know it from then on', async () => {
    const pod = aPod();
    await advanced(pod, 2100, pod.connections.request(POD, GET));
    pod.is('listening');
    await pod.connections.request(POD, GET);
    pod.is('refused');
    expect(await advanced(pod, 2100, pod.connections.request(POD, GET))).toMatchObject({ refused: false });
  });

  test('never take a daemon that was there for an image without one', async () => {
    const pod = aPod();
    pod.is('refusing');
    await expect(pod.connections.request(POD, GET)).rejects.toThrow('no such thing');
    pod.is('refused');
    const failure = await advanced(pod, 2100, pod.connections.request(POD, GET));
    expect(failure).toBeInstanceOf(DaemonUnreachable);
    expect(failure).toMatchObject({ refused: false });
    pod.is('listening');
    expect(await pod.connections.request(POD, GET)).toBeInstanceOf(Readable);
  });

  test('do not wait for a pod that does not answer at all', async () => {
    const pod = aPod();
    pod.is('silent');
    await expect(pod.connections.request(POD, GET)).rejects.toMatchObject({ refused: false });
    expect(pod.tries()).toBe(1);
  });

  test('know each pod by its uid: another one with the same address is asked anew', async () => {
    const pod = aPod();
    await advanced(pod, 2100, pod.connections.request(POD, GET));
    const answer = pod.connections.request({ ...POD, podUid: 'pod-2' }, GET);
    await pod.clock.advance(100);
    pod.is('listening');
    await pod.clock.advance(100);
    expect(await answer).toBeInstanceOf(Readable);
  });

  test('send a stream only once somebody is there to take it', async () => {
    const pod = aPod();
    const stream = Readable.from(['once']);
    const answer = pod.connections.request(POD, { ...GET, method: 'POST', path: '/input', body: { stream } });
    await pod.clock.advance(100);
    expect(pod.asked).toEqual([]);
    pod.is('listening');
    await pod.clock.advance(100);
    await answer;
    expect(pod.asked).toEqual(['/health', '/input']);
  });

  test('end with the request', async () => {
    const pod = aPod();
    const over = new AbortController();
    const answer = pod.connections.request(POD, { ...GET, signal: over.signal });
    await pod.clock.waitForSleepers(1);
    over.abort(new Error('the client has gone'));
    await expect(answer).rejects.toThrow('the client has gone');
    expect(pod.clock.sleepers()).toBe(0);
  });
});
