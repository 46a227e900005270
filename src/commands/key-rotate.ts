import { rfc3339, systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { renewKey } from '../facade/keys/change-keys.ts';
import { editKeys } from '../facade/keys/edit-keys.ts';
import { parseDuration, withKeys } from './key-context.ts';
import { printMade } from './key-create.ts';
import type { RotateKeyOptions } from './key.ts';

/** Gives a key another secret. */
export const rotateKey = async (id: string, options: RotateKeyOptions): Promise<void> => {
  const { overlap } = options;
  const overlapUntil =
    overlap === undefined ? undefined : rfc3339(systemClock.now() + parseDuration('--overlap', overlap));
  await withKeys(options, async (place) => {
    const made = await editKeys(place, (secret) => renewKey(secret, id, { overlapUntil, random: systemRandom }));
    printMade(made, options);
  });
};
