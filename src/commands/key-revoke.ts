import { removeKey } from '../facade/keys/change-keys.ts';
import { editKeys } from '../facade/keys/edit-keys.ts';
import { entryName } from '../facade/keys/keys-secret.ts';
import { printJson, tell, withKeys } from './key-context.ts';
import type { KeyOptions } from './key.ts';

/** Takes a key, or an entry that is none, out of the Secret. */
export const revokeKey = (id: string, options: KeyOptions): Promise<void> =>
  withKeys(options, async (place) => {
    const { change } = await editKeys(place, (secret) => removeKey(secret, id));
    if (options.json === true) printJson({ revoked: entryName(change.entry) });
    else tell(`key ${entryName(change.entry)} is revoked: the facade refuses it within seconds`);
  });
