import { beforeEach, describe, expect, test } from '@jest/globals';
import { collectBuffers } from '../../src/base/collect-buffers.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

describe('the buffers of a process', () => {
  let clock: VirtualClock;
  let bytes: number;
  let collections: number;
  let ending: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    clock = makeVirtualClock();
    bytes = 20_000_000;
    collections = 0;
    ending = new AbortController();
    const collect = (): void => {
      collections += 1;
      bytes = 21_000_000;
    };
    running = collectBuffers({ clock, bufferBytes: () => bytes, collect }, ending.signal);
  });

  const end = async (): Promise<void> => {
    ending.abort();
    await clock.advance(200);
    await running;
  };

  test('are collected once 24 MB have come to those that were there', async () => {
    bytes = 44_000_000;
    await clock.advance(1000);
    expect(collections).toBe(0);
    bytes = 44_000_001;
    await clock.advance(200);
    expect(collections).toBe(1);
    await clock.advance(10_000);
    expect(collections).toBe(1);
    await end();
  });

  test('are compared with the fewest that were seen, and with what a collection leaves', async () => {
    bytes = 1_000_000;
    await clock.advance(200);
    bytes = 26_000_000;
    await clock.advance(200);
    expect(collections).toBe(1);
    bytes = 45_000_000;
    await clock.advance(200);
    expect(collections).toBe(1);
    bytes = 45_000_001;
    await clock.advance(200);
    expect(collections).toBe(2);
    await end();
  });
});
