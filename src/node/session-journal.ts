import { chown, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, writeDurably } from './durable-file.ts';
import { homePaths, homesDir, type HomePaths } from './home-paths.ts';
import { loadRecords, type LoadedRecords } from './load-records.ts';
import { SessionRecord } from './session-record.ts';

export interface SessionJournal {
  /** Begins a journal, on disk when it resolves, and makes the session's folders. */
  readonly create: (record: SessionRecord) => Promise<void>;
  /** Makes what is missing of the folders because a driver died on the way. Only for a session that is Restoring. */
  readonly ensureFolders: (record: SessionRecord) => Promise<void>;
  /** Resolves once the record is on disk: after a power cut either the old or the new one is read. */
  readonly save: (record: SessionRecord) => Promise<void>;
  readonly load: () => Promise<LoadedRecords<SessionRecord>>;
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

const loadJournals = (stateDir: string): Promise<LoadedRecords<SessionRecord>> =>
  loadRecords({
    root: homesDir(stateDir),
    journal: 'session.json',
    parse: (json) => SessionRecord.parse(json),
    folderOf: ({ workspace, epoch }) => homePaths(stateDir, workspace, epoch).root,
    removeIfEmpty,
  });

// A driver killed before the first journal was complete leaves at most its draft: no file of a user.
const removeIfEmpty = async (folder: string): Promise<boolean> => {
  const entries = await readdir(folder);
  if (entries.some((entry) => entry !== DRAFT)) return false;
  await rm(path.join(folder, DRAFT), { force: true });
  await rmdir(folder);
  return true;
};
