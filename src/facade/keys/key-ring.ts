import { API_KEYS_SECRET } from '../../api/names.ts';
import type { Informer } from '../../runtime/informer.ts';
import type { RuntimeLog } from '../../runtime/log.ts';
import { keyOf } from '../../runtime/object-key.ts';
import type { KeyLimits, Scope } from '../caller.ts';
import { problemError } from '../problem.ts';
import type { KeyRecord } from './key-record.ts';
import { entryName, type KeyEntries, readEntries, type Secret } from './keys-secret.ts';

/** A key as requests are judged by it. Times are milliseconds since 1970. */
export interface Key {
  readonly id: string;
  readonly hash: Buffer;
  readonly previous: { readonly hash: Buffer; readonly expiresAt: number } | undefined;
  readonly users: ReadonlySet<string> | undefined;
  readonly scopes: ReadonlySet<Scope>;
  readonly limits: KeyLimits;
  readonly expiresAt: number | undefined;
  readonly ended: AbortSignal;
}

export interface KeyRing {
  readonly find: (id: string) => Key | undefined;
  readonly keys: () => readonly Key[];
  /** `listener` hears whenever the keys were read anew; returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Names of the Secret's entries that are no keys. */
  readonly malformed: () => readonly string[];
}

interface Held {
  readonly key: Key;
  readonly record: KeyRecord;
  readonly controller: AbortController;
}

/**
 * The keys of the Secret, as its informer last saw it: while the API server is away, those that were known before.
 * A key that goes, or may do less than before, ends what its holders have under way.
 */
export const makeKeyRing = ({
  informer,
  namespace,
  log,
}: {
  readonly informer: Pick<Informer<Secret>, 'store' | 'onChange'>;
  readonly namespace: string;
  readonly log: RuntimeLog;
}): KeyRing => {
  let held: ReadonlyMap<string, Held> = new Map();
  let malformed: readonly string[] = [];
  const listeners = new Set<() => void>();

  const reload = (): void => {
    const secret = informer.store.get(keyOf(namespace, API_KEYS_SECRET));
    const entries = readEntries(secret);
    const before = held;
    held = new Map([...entries.records].map(([id, record]) => [id, hold(id, record, before.get(id))]));
    for (const [id, { controller }] of before) {
      if (held.get(id)?.controller !== controller) {
        controller.abort(problemError('invalid-api-key', 'This API key was revoked, or may do less than before.'));
      }
    }
    malformed = entries.malformed.map(({ entry }) => entryName(entry));
    tell(entries, before);
    for (const listener of listeners) listener();
  };

  const tell = ({ records, malformed: faults }: KeyEntries, before: ReadonlyMap<string, Held>): void => {
    const added = [...records.keys()].filter((id) => !before.has(id));
    const removed = [...before.keys()].filter((id) => !records.has(id));
    log.info({ keys: records.size, added, removed, malformed: faults.length }, 'API keys were read');
    for (const { entry, fault } of faults) {
      const name = entryName(entry);
      log.warn(
        { secret: API_KEYS_SECRET, entry: name, fault },
        `the entry ${name} of the Secret ${API_KEYS_SECRET} is no API key and is refused: ${fault}`,
      );
    }
  };

  informer.onChange(reload);
  return {
    find: (id) => held.get(id)?.key,
    keys: () => [...held.values()].map(({ key }) => key),
    subscribe: (listener) => {
      // Of its own: the same function may be given twice.
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    malformed: () => malformed,
  };
};

const hold = (id: string, record: KeyRecord, before: Held | undefined): Held => {
  const controller = before !== undefined && goesOn(before.record, record) ? before.controller : new AbortController();
  return { key: toKey(id, record, controller.signal), record, controller };
};

/** Whether what was begun with the key as it was may go on with the key as it is. */
const goesOn = (before: KeyRecord, now: KeyRecord): boolean => {
  const secretStands = [now.hash, now.previous?.hash].includes(before.hash);
  const usersStand = now.users === '*' || (before.users !== '*' && isSubset(before.users, now.users));
  return secretStands && usersStand && isSubset(before.scopes, now.scopes);
};

const isSubset = (some: readonly string[], all: readonly string[]): boolean => some.every((one) => all.includes(one));

const toKey = (id: string, record: KeyRecord, ended: AbortSignal): Key => {
  const { hash, previous, users, scopes, expiresAt } = record;
  return Object.freeze({
    id,
    hash: Buffer.from(hash, 'hex'),
    previous:
      previous === undefined
        ? undefined
        : { hash: Buffer.from(previous.hash, 'hex'), expiresAt: Date.parse(previous.expiresAt) },
    users: users === '*' ? undefined : new Set(users),
    scopes: new Set(scopes),
    limits: limitsOf(record),
    expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
    ended,
  });
};

const limitsOf = ({ limits }: KeyRecord): KeyLimits => {
  const { requests_per_second: perSecond, burst, concurrent_sandboxes: concurrentSandboxes } = limits;
  return {
    ...(perSecond === undefined ? {} : { rate: { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond)) } }),
    ...(concurrentSandboxes === undefined ? {} : { concurrentSandboxes }),
  };
};
