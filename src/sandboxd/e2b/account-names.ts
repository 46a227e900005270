import { readFile } from 'node:fs/promises';

/** Names of users and groups by their numbers; the number itself where there is no name. */
export interface AccountNames {
  readonly user: (uid: number) => string;
  readonly group: (gid: number) => string;
}

const MAX_AGE_MS = 5000;

/** Reads /etc/passwd and /etc/group, and again when what was read is some seconds old. */
export const makeAccountNames = () => {
  let names: AccountNames | undefined;
  let until = 0;
  return async (): Promise<AccountNames> => {
    const now = performance.now();
    if (names === undefined || now >= until) {
      const [users, groups] = await Promise.all([readNames('/etc/passwd'), readNames('/etc/group')]);
      names = { user: (uid) => users.get(uid) ?? String(uid), group: (gid) => groups.get(gid) ?? String(gid) };
      until = now + MAX_AGE_MS;
    }
    return names;
  };
};

/** `name:x:number:…`; the first line of a number counts. */
const readNames = async (path: string): Promise<ReadonlyMap<number, string>> => {
  const names = new Map<number, string>();
  const text = await readFile(path, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name = '', , number = ''] = line.split(':');
    if (/^\d+$/.test(number) && !names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
};
