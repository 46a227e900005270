import { systemClock } from '../base/clock.ts';
import { readKeysSecret } from '../facade/keys/edit-keys.ts';
import type { KeyRecord } from '../facade/keys/key-record.ts';
import { entryName, readEntries } from '../facade/keys/keys-secret.ts';
import { print, printJson, tell, withKeys } from './key-context.ts';
import type { KeyOptions } from './key.ts';
import { tableLines } from './table.ts';

const HEADINGS = ['ID', 'NAME', 'USERS', 'SCOPES', 'LIMITS', 'CREATED', 'EXPIRES'];

/** Lists the keys, the oldest first, and the entries that are none. */
export const listKeys = (options: KeyOptions): Promise<void> =>
  withKeys(options, async (place) => {
    const { records, malformed } = readEntries(await readKeysSecret(place));
    const keys = [...records].sort(([, a], [, b]) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
    if (options.json === true) {
      const faults = malformed.map(({ entry, fault }) => ({ id: entryName(entry), state: 'malformed', fault }));
      printJson([...keys.map(([id, record]) => withoutHashes(id, record)), ...faults]);
      return;
    }
    if (keys.length === 0) tell('there is no API key: `matrx key create` makes one');
    else for (const line of tableLines([HEADINGS, ...keys.map(row)])) print(line);
    for (const { entry, fault } of malformed) tell(`${entryName(entry)} is no API key and is refused: ${fault}`);
  });

const withoutHashes = (id: string, record: KeyRecord): object => {
  const { hash: _, previous, ...terms } = record;
  return {
    id,
    state: isExpired(record) ? 'expired' : 'valid',
    ...terms,
    ...(previous === undefined ? {} : { oldSecretUntil: previous.expiresAt }),
  };
};

const isExpired = ({ expiresAt }: Pick<KeyRecord, 'expiresAt'>): boolean =>
  expiresAt !== undefined && Date.parse(expiresAt) <= systemClock.now();

const row = ([id, record]: readonly [string, KeyRecord]): readonly string[] => [
  id,
  record.name,
  record.users === '*' ? '*' : record.users.join(','),
  record.scopes.join(','),
  limitsText(record),
  record.createdAt,
  record.expiresAt === undefined ? 'never' : `${record.expiresAt}${isExpired(record) ? ' (expired)' : ''}`,
];

const limitsText = ({ limits }: KeyRecord): string => {
  const { requests_per_second: perSecond, burst, concurrent_sandboxes: sandboxes } = limits;
  const parts = [
    ...(perSecond === undefined ? [] : [`${perSecond}/s${burst === undefined ? '' : ` (${burst})`}`]),
    ...(sandboxes === undefined ? [] : [`${sandboxes} sandboxes`]),
  ];
  return parts.join(', ') || 'none';
};
