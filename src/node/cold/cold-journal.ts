import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../../base/errors.ts';
import { syncFolder, writeDurably } from '../durable-file.ts';
import { epochFolders } from '../session-journal.ts';
import { coldPaths, ColdRecord } from './cold-record.ts';

export interface LoadedColdRecords {
  readonly records: readonly ColdRecord[];
  /** Folders without a journal that can be read. They are left as they are, for a person. */
  readonly unreadable: readonly { readonly folder: string; readonly message: string }[];
}

export interface ColdJournal {
  /** On disk when it resolves, with the folders. */
  readonly save: (record: ColdRecord) => Promise<void>;
  /** Nothing is left of it: the journal goes last, with its folder. */
  readonly remove: (record: ColdRecord) => Promise<void>;
  readonly load: () => Promise<LoadedColdRecords>;
}

export const makeColdJournal = (coldDir: string): ColdJournal => ({
  save: async (record) => {
    const { root, journal, mount } = coldPaths(coldDir, record.workspace, record.epoch);
    await mkdir(root, { recursive: true, mode: 0o700 });
    await writeDurably(journal, `${journal}.tmp`, `${JSON.stringify(record)}\n`);
    for (const folder of [path.dirname(root), coldDir]) await syncFolder(folder);
    await mkdir(mount, { recursive: true, mode: 0o700 });
  },
  remove: async (record) => {
    const { root, journal, mount, outbox } = coldPaths(coldDir, record.workspace, record.epoch);
    for (const folder of [mount, outbox]) await rm(folder, { recursive: true, force: true });
    await rm(journal, { force: true });
    await rm(root, { recursive: true, force: true });
  },
  load: async () => {
    await mkdir(coldDir, { recursive: true, mode: 0o700 });
    const records: ColdRecord[] = [];
    const unreadable: { folder: string; message: string }[] = [];
    for (const folder of await epochFolders(coldDir)) {
      try {
        const record = ColdRecord.parse(JSON.parse(await readFile(path.join(folder, 'volume.json'), 'utf8')));
        const { root } = coldPaths(coldDir, record.workspace, record.epoch);
        if (root !== folder) throw new Error(`the journal is about ${root}`);
        records.push(record);
      } catch (error) {
        unreadable.push({ folder, message: errorMessage(error) });
      }
    }
    return { records, unreadable };
  },
});
