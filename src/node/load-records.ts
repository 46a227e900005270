import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../base/errors.ts';

export interface LoadedRecords<Record> {
  readonly records: readonly Record[];
  /** Folders that hold something but no journal that can be read. They are left as they are, for a person. */
  readonly unreadable: readonly { readonly folder: string; readonly message: string }[];
}

export interface RecordsToLoad<Record> {
  /** Its folders are `<root>/<workspace>/<epoch>`; each holds a journal of this name. */
  readonly root: string;
  readonly journal: string;
  /** Throws where it is no record. */
  readonly parse: (json: unknown) => Record;
  /** The folder that a record belongs in: one that lies elsewhere is not believed. */
  readonly folderOf: (record: Record) => string;
  /** Takes a folder away that cannot hold anything of a user's, and says whether it did. */
  readonly removeIfEmpty?: (folder: string) => Promise<boolean>;
}

/** The journals that earlier drivers have left. */
export const loadRecords = async <Record>(options: RecordsToLoad<Record>): Promise<LoadedRecords<Record>> => {
  const { root, journal, parse, folderOf, removeIfEmpty } = options;
  const records: Record[] = [];
  const unreadable: { folder: string; message: string }[] = [];
  for (const folder of await epochFolders(root)) {
    try {
      const record = parse(JSON.parse(await readFile(path.join(folder, journal), 'utf8')));
      if (folderOf(record) !== folder) throw new Error(`the journal is about ${folderOf(record)}`);
      records.push(record);
    } catch (error) {
      if (await removeIfEmpty?.(folder)) continue;
      unreadable.push({ folder, message: errorMessage(error) });
    }
  }
  return { records, unreadable };
};

const epochFolders = async (root: string): Promise<string[]> => {
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
