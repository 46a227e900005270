import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, writeDurably } from '../durable-file.ts';
import { loadRecords, type LoadedRecords } from '../load-records.ts';
import { coldPaths, ColdRecord } from './cold-record.ts';

export interface ColdJournal {
  /** On disk when it resolves, with the folders. */
  readonly save: (record: ColdRecord) => Promise<void>;
  /** Nothing is left of it: the journal goes last, with its folder. */
  readonly remove: (record: ColdRecord) => Promise<void>;
  readonly load: () => Promise<LoadedRecords<ColdRecord>>;
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
    return loadRecords({
      root: coldDir,
      journal: 'volume.json',
      parse: (json) => ColdRecord.parse(json),
      folderOf: ({ workspace, epoch }) => coldPaths(coldDir, workspace, epoch).root,
    });
  },
});
