import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeManager, type Manager, type Part } from '../../src/runtime/manager.ts';
import { informersPart, loopPart } from '../../src/runtime/parts.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let story: string[];
let listeners: Set<(name: string) => void>;

beforeEach(() => {
  clock = makeVirtualClock();
  story = [];
  listeners = new Set();
});

afterEach(() => {
  expect(clock.sleepers()).toBe(0);
  expect(listeners.size).toBe(0);
});

const part = (name: string, overrides: Partial<Part> = {}): Part => ({
  name,
  start: () => {
    story.push(`start ${name}`);
    return Promise.resolve();
  },
  stop: () => {
    story.push(`stop ${name}`);
    return Promise.resolve();
  },
  ...overrides,
});

const manage = (...parts: readonly Part[]): { manager: Manager; exit: Promise<number> } => {
  const manager = makeManager({
    parts,
    clock,
    log: makeRecordingLog(),
    signals: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  return { manager, exit: manager.run() };
};

const send = (name: string): void => {
  for (const listener of listeners) listener(name);
};

describe('manager', () => {
  it('starts in order, stops in reverse, and is not ready from the signal on', async () => {
    const { manager, exit } = manage(part('http'), part('caches'), part('leader'), part('controllers'));
    await clock.advance(0);
    expect(manager.check.check()).toEqual({ ok: true, message: 'running' });
    send('SIGTERM');
    expect(manager.check.check()).toEqual({ ok: false, message: 'stopping' });
    expect(await exit).toBe(0);
    expect(story.join(', ')).toBe(
      'start http, start caches, start leader, start controllers, stop controllers, stop leader, stop caches, stop http',
    );
  });

  it('stops what has started when a signal comes during the start', async () => {
    const waits = part('leader', {
      start: ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    });
    const { exit } = manage(part('http'), waits, part('controllers'));
    await clock.advance(0);
    send('SIGTERM');
    expect(await exit).toBe(0);
    expect(story).toEqual(['start http', 'stop leader', 'stop http']);
  });

  it('ends with 1, in order, when a part cannot start', async () => {
    const broken = part('caches', { start: () => Promise.reject(new Error('no')) });
    const { exit } = manage(part('http'), broken, part('controllers'));
    expect(await exit).toBe(1);
    expect(story).toEqual(['start http', 'stop caches', 'stop http']);
  });

  it('ends with 1, in order, when a part fails later', async () => {
    const failure = Promise.withResolvers<void>();
    const { exit } = manage(
      part('http'),
      loopPart('loop', () => failure.promise),
    );
    await clock.advance(0);
    failure.reject(new Error('broken'));
    expect(await exit).toBe(1);
    expect(story).toEqual(['start http', 'stop http']);
  });

  it('goes on stopping the others when one does not stop cleanly', async () => {
    const { exit } = manage(part('http'), part('caches', { stop: () => Promise.reject(new Error('no')) }));
    await clock.advance(0);
    send('SIGTERM');
    expect(await exit).toBe(1);
    expect(story).toEqual(['start http', 'start caches', 'stop http']);
  });

  it('gives the parts thirty seconds to stop', async () => {
    const { exit } = manage(part('http'), part('stuck', { stop: () => new Promise<void>(() => undefined) }));
    await clock.advance(0);
    send('SIGTERM');
    await clock.advance(30_000);
    expect(await exit).toBe(1);
  });

  it('ends at once at a second signal', async () => {
    const release = Promise.withResolvers<void>();
    const { exit } = manage(part('stuck', { stop: () => release.promise }));
    await clock.advance(0);
    send('SIGTERM');
    send('SIGINT');
    expect(await exit).toBe(1);
    release.resolve();
    await clock.advance(0);
  });
});

describe('parts', () => {
  it('caches have started when all of them are synced, and stop with their loops', async () => {
    const synced = Promise.withResolvers<void>();
    const ended: string[] = [];
    const informer = {
      synced: synced.promise,
      run: (signal: AbortSignal) =>
        new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => {
            ended.push('loop');
            resolve();
          }),
        ),
    };
    const { exit } = manage(informersPart([informer, { ...informer, synced: Promise.resolve() }]), part('controllers'));
    await clock.advance(0);
    expect(story).toEqual([]);
    synced.resolve();
    await clock.advance(0);
    expect(story).toEqual(['start controllers']);
    send('SIGTERM');
    expect(await exit).toBe(0);
    expect(ended).toEqual(['loop', 'loop']);
  });

  it('a loop that ends by itself is a failure', async () => {
    const { exit } = manage(loopPart('loop', () => Promise.resolve()));
    expect(await exit).toBe(1);
  });
});
