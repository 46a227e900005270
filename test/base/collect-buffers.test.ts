import { beforeEach, describe, expect, test } from '@jest/globals';
import { collectBuffers } from '../../src/base/collect-buffers.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

describe('the buffers of a process', () => {
  let clock: VirtualClock;
  let bytes: number;
  /** What a collection of this kind leaves. */
  let leaves: Record<'minor' | 'major', number>;
  let collections: string[];
  let ending: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    clock = makeVirtualClock();
    bytes = 20_000_000;
    leaves = { minor: 20_000_000, major: 20_000_000 };
    collections = [];
    ending = new AbortController();
    const collect = (kind: 'minor' | 'major'): void => {
      collections.push(kind);
      bytes = leaves[kind];
    };
    running = collectBuffers({ clock, bufferBytes: () => bytes, collect }, ending.signal);
  });

  const look = async (now: number): Promise<void> => {
    bytes = now;
    await clock.advance(50);
  };
  const end = async (): Promise<void> => {
    ending.abort();
    await clock.advance(50);
    await running;
  };

  test('are left alone until 8 MB have come to those that were there, and then the young ones go', async () => {
    await look(28_000_000);
    expect(collections).toEqual([]);
    await look(28_000_001);
    await clock.advance(10_000);
    expect(collections).toEqual(['minor']);
    await end();
  });

  test('are all collected once 24 MB have stayed in spite of that', async () => {
    leaves.minor = 29_000_000;
    await look(30_000_000);
    await look(36_000_000);
    expect(collections).toEqual(['minor']);
    await look(44_000_001);
    expect(collections).toEqual(['minor', 'major']);
    await end();
  });

  test('are compared with the fewest that were seen', async () => {
    await look(1_000_000);
    await look(9_000_001);
    expect(collections).toEqual(['minor']);
    await end();
  });
});
