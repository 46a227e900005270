import { systemRandom } from '../../../src/base/random.ts';

/** `<label>-<6 hex digits>`: a name, or a user, that no other test and no earlier run has used. */
export const uniqueName = (label: string): string => `${label}-${systemRandom.hex(3)}`;
