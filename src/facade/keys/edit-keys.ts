import { API_KEYS_SECRET, LABEL_MANAGED_BY, MANAGED_BY } from '../../api/names.ts';
import type { JsonPatchOperation, KubeClient, ObjectRef } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import { SECRETS } from '../../kube/resource-types.ts';
import type { KeyRecord } from './key-record.ts';
import { encodeRecord, type Secret } from './keys-secret.ts';

export interface KeysPlace {
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'jsonPatch'>;
  /** The system namespace. */
  readonly namespace: string;
}

/** One entry of the Secret, as it is to be; undefined: gone. */
export interface EntryChange {
  readonly entry: string;
  readonly record: KeyRecord | undefined;
}

export interface Edit {
  readonly change: EntryChange;
}

/** How often an edit is tried again because somebody else's came first. */
const TRIES = 8;

/** Undefined where there is none. Throws a KubeError. */
export const readKeysSecret = async (place: KeysPlace): Promise<Secret | undefined> => {
  try {
    return await place.kube.get<Secret>(refOf(place));
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
};

/**
 * Changes one entry. `decide` is given the Secret as it is, and may throw; what it decides is written only if the Secret
 * is still the same, and otherwise it is asked again: of two people's edits at the same time, both hold. Makes the Secret
 * where there is none. Throws a KubeError.
 */
export const editKeys = async <E extends Edit>(
  place: KeysPlace,
  decide: (secret: Secret | undefined) => E,
): Promise<E> => {
  for (let tries = 1; ; tries++) {
    const secret = await readKeysSecret(place);
    const edit = decide(secret);
    try {
      await write(place, secret, edit.change);
      return edit;
    } catch (error) {
      // A failed test of the patch is Invalid; NotFound: somebody has deleted the Secret, or there is no such namespace.
      const lostRace = isKubeError(error, 'AlreadyExists', 'Conflict', 'Invalid', 'NotFound');
      if (!lostRace || tries === TRIES) throw error;
    }
  }
};

const refOf = ({ namespace }: KeysPlace): ObjectRef => ({ type: SECRETS, namespace, name: API_KEYS_SECRET });

const write = async (place: KeysPlace, secret: Secret | undefined, { entry, record }: EntryChange): Promise<void> => {
  const value = record === undefined ? undefined : encodeRecord(record);
  if (secret !== undefined) await place.kube.jsonPatch(refOf(place), patchOf(secret, entry, value));
  else if (value !== undefined) await place.kube.create(SECRETS, place.namespace, newSecret(entry, value));
};

const patchOf = (
  { metadata, data }: Secret,
  entry: string,
  value: string | undefined,
): readonly JsonPatchOperation[] => {
  const unchanged = { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion ?? '' } as const;
  // The name of an entry has neither ~ nor /, which a path would have to escape.
  if (value === undefined) return [unchanged, { op: 'remove', path: `/data/${entry}` }];
  if (data === undefined) return [unchanged, { op: 'add', path: '/data', value: { [entry]: value } }];
  return [unchanged, { op: 'add', path: `/data/${entry}`, value }];
};

const newSecret = (entry: string, value: string): Secret => ({
  metadata: { name: API_KEYS_SECRET, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
  type: 'Opaque',
  data: { [entry]: value },
});
