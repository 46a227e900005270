import { chown, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../base/errors.ts';
import { syncFolder, writeDurably } from './durable-file.ts';
import { homePaths, homesDir, type HomePaths } from './home-paths.ts';
import { SessionRecord } from './session-record.ts';

export interface LoadedJournals {
  readonly records: readonly SessionRecord[];
  /** Folders that hold something but no journal that can be read. They are left as they are, for a person. */
  readonly unreadable: readonly { readonly folder: string; readonly message: string }[];
}

export interface SessionJournal {
  /** Begins a journal, on disk when it resolves, and makes the session's folders. */
  readonly create: (record: SessionRecord) => Promise<void>;
  /** Makes what is missing of the folders because a driver died on the way. Only for a session that is Restoring. */
  readonly ensureFolders: (record: SessionRecord) => Promise<void>;
  /** Resolves once the record is on disk: after a power cut either the old or the new one is read. */
  readonly save: (record: SessionRecord) => Promise<void>;
  readonly load: () => Promise<LoadedJournals>;
}

const DRAFT = 'session.json.tmp';

export const makeSessionJournal = (options: {
  readonly stateDir: string;
  readonly ownerId: number;
}): SessionJournal => {
  const pathsOf = (record: SessionRecord): HomePaths => homePaths(options.stateDir, record.workspace, record.epoch);
  const save = async (record: SessionRecord): Promise<void> => {
    const { journal } = pathsOf(record);
    await writeDurably(journal, path.join(path.dirname(journal), DRAFT), `${JSON.stringify(record)}\n`);
  };
  const create = async (record: SessionRecord): Promise<void> => {
    const { root } = pathsOf(record);
    await mkdir(root, { recursive: true, mode: 0o700 });
    // The journal comes first: a home without one cannot exist. All at once, for a disk writes them together.
    await Promise.all([syncFolder(homesDir(options.stateDir)), syncFolder(path.dirname(root)), save(record)]);
    await ensureFolders(record);
  };
  const ensureFolders = async (record: SessionRecord): Promise<void> => {
    const { home, state } = pathsOf(record);
    await mkdir(state, { recursive: true, mode: 0o700 });
    await mkdir(home, { recursive: true, mode: 0o700 });
    await chown(home, options.ownerId, options.ownerId);
  };
  return { create, ensureFolders, save, load: () => loadJournals(options.stateDir) };
};

const loadJournals = async (stateDir: string): Promise<LoadedJournals> => {
  const records: SessionRecord[] = [];
  const unreadable: { folder: string; message: string }[] = [];
  for (const folder of await epochFolders(homesDir(stateDir))) {
    try {
      const record = SessionRecord.parse(JSON.parse(await readFile(path.join(folder, 'session.json'), 'utf8')));
      const { root } = homePaths(stateDir, record.workspace, record.epoch);
      if (root !== folder) throw new Error(`the journal is about ${root}`);
      records.push(record);
    } catch (error) {
      if (await removeIfEmpty(folder)) continue;
      unreadable.push({ folder, message: errorMessage(error) });
    }
  }
  return { records, unreadable };
};

// A driver killed before the first journal was complete leaves at most its draft: no file of a user.
const removeIfEmpty = async (folder: string): Promise<boolean> => {
  const entries = await readdir(folder);
  if (entries.some((entry) => entry !== DRAFT)) return false;
  await rm(path.join(folder, DRAFT), { force: true });
  await rmdir(folder);
  return true;
};

/** `<root>/<workspace>/<epoch>`, as they are there. */
export const epochFolders = async (root: string): Promise<string[]> => {
  const folders: string[] = [];
  for (const workspace of await readdir(root, { withFileTypes: true })) {
    if (!workspace.isDirectory() || workspace.name.startsWith('.')) continue;
    const parent = path.join(root, workspace.name);
    for (const epoch of await readdir(parent, { withFileTypes: true })) {
      if (epoch.isDirectory()) folders.push(path.join(parent, epoch.name));
    }
  }
  return folders;
};
