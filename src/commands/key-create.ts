import { rfc3339, systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { SCOPES, type Scope } from '../facade/caller.ts';
import { formatApiKey } from '../facade/keys/api-key.ts';
import { addKey, KeyError, type KeyTerms, type MadeKey } from '../facade/keys/change-keys.ts';
import { editKeys } from '../facade/keys/edit-keys.ts';
import { KeyRecord } from '../facade/keys/key-record.ts';
import { parseMoment, print, printJson, tell, withKeys } from './key-context.ts';
import type { CreateKeyOptions } from './key.ts';

/** Makes a key. Only the key itself goes to stdout: `KEY=$(matrx key create --user ann)`. */
export const createKey = async (options: CreateKeyOptions): Promise<void> => {
  const terms = termsOf(options);
  await withKeys(options, async (place) => {
    printMade(await editKeys(place, (secret) => addKey(secret, terms, systemRandom)), options);
  });
};

/** Prints a key that stands in the Secret now. */
export const printMade = (
  { key, change }: MadeKey,
  { e2b, json }: { readonly e2b?: boolean; readonly json?: boolean },
): void => {
  const text = formatApiKey(e2b === true ? 'e2b' : 'mtx', key);
  const { hash: _, previous, ...terms } = change.record;
  if (json === true) {
    printJson({ id: key.id, key: text, ...terms, ...(previous && { oldSecretUntil: previous.expiresAt }) });
    return;
  }
  print(text);
  const users = terms.users === '*' ? 'every user' : terms.users.join(', ');
  tell(
    `key ${key.id} (${terms.name}) for ${users}${terms.expiresAt === undefined ? '' : `, until ${terms.expiresAt}`}`,
  );
  if (previous !== undefined) tell(`the old secret is taken as well until ${previous.expiresAt}`);
  tell('keep it now: it is not shown again; the facade takes it within seconds');
};

const termsOf = (options: CreateKeyOptions): KeyTerms => {
  const { user = [], allUsers = false, expires } = options;
  if (allUsers === user.length > 0) {
    throw new KeyError('say whom the key may act for: --user <id> (several times), or --all-users');
  }
  const now = systemClock.now();
  const terms = KeyRecord.omit({ hash: true, previous: true }).safeParse({
    name: options.name ?? (allUsers ? 'all users' : user.join(', ').slice(0, 100)),
    users: allUsers ? '*' : [...new Set(user)],
    scopes: scopesOf(options.scope),
    limits: limitsOf(options),
    createdAt: rfc3339(now),
    ...(expires === undefined ? {} : { expiresAt: rfc3339(parseMoment('--expires', expires, now)) }),
  });
  if (terms.success) return terms.data;
  const faults = terms.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new KeyError(faults.join('\n'));
};

const scopesOf = (given: readonly string[] = SCOPES): readonly Scope[] =>
  [...new Set(given)].map((text) => {
    const scope = SCOPES.find((known) => known === text);
    if (scope === undefined) throw new KeyError(`--scope ${text}: there is none such; take of ${SCOPES.join(', ')}`);
    return scope;
  });

const limitsOf = ({ rate, burst, sandboxes }: CreateKeyOptions) => {
  if (rate === 'none' && burst !== undefined) throw new KeyError('--burst needs a --rate');
  return {
    ...(rate === 'none' ? {} : { requests_per_second: rate, burst: burst ?? Math.max(1, Math.ceil(2 * rate)) }),
    ...(sandboxes === undefined ? {} : { concurrent_sandboxes: sandboxes }),
  };
};
