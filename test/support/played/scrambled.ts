import type { FaultPlan } from '../api-server-proxy/start-proxy.ts';
import type { WatchStream } from '../api-server-proxy/watch-stream.ts';
import { makeSeededRandom } from '../seeded-random.ts';

export interface Scrambled {
  readonly plan: FaultPlan;
  /** Events that were never sent. */
  readonly lost: () => number;
  /** Sends what is held back, the newest first. */
  readonly flush: () => void;
}

/** Watches whose events are passed on, sent twice, held back until later ones have gone ahead, or lost, by chance; the first change is lost. */
export const scrambled = (seed: number): Scrambled => {
  const random = makeSeededRandom(seed);
  let lost = 0;
  let held: readonly { readonly stream: WatchStream; readonly line: string }[] = [];
  const flush = (): void => {
    const sending = held.toReversed();
    held = [];
    for (const { stream, line } of sending) stream.send(line);
  };
  const onLine = (line: string, stream: WatchStream): void => {
    const chance = random.float();
    if ((lost === 0 || chance < 0.15) && line.includes('"type":"MODIFIED"')) {
      lost += 1;
      return;
    }
    if (chance < 0.45) {
      held = [...held, { stream, line }];
      return;
    }
    stream.send(line);
    if (chance < 0.65) stream.send(line);
    if (chance > 0.8) flush();
  };
  return {
    plan: ({ isWatch }) => (isWatch ? { kind: 'lines', onLine } : undefined),
    lost: () => lost,
    flush,
  };
};
