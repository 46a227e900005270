import { z } from 'zod';
import { decodeHead, encodeHead, type Head } from './head.ts';
import { HomeError } from './home.ts';
import { readStateFile, writeStateFile } from './state-files.ts';

/**
 * What must be known of a home after a crash. Its life:
 * `restoring`: the home was empty when this was written; whatever is in it comes from an unfinished restore and may be
 *   thrown away. Commits are refused. Left only by a restore that has put every entry in place.
 * `restored`: the files are the user's. Never restored into again.
 */
export interface Journal {
  readonly epoch: number;
  /** The bucket, and the prefix in it: what the index says is stored is stored there. */
  readonly bucket: string;
  readonly prefix: string;
  /** The first part of every nonce this home writes: whose HEAD has it, is this home's. */
  readonly lineage: string;
  readonly phase: 'restoring' | 'restored';
  /** HEAD as this home last knew it to be. */
  readonly head: Head | undefined;
  /** The boot during which the restore ended, until its files are known to be on the disk; then undefined. */
  readonly unsyncedSince: string | undefined;
  readonly homeInode: bigint | undefined;
  /** Why this home may never commit again. */
  readonly fenced: string | undefined;
  /** Key of the manifest below `conflicts/`, once it is there. */
  readonly conflict: string | undefined;
}

const FILE = 'journal.json';
const FORMAT = 1;
const wire = z.object({
  format: z.literal(FORMAT),
  epoch: z.number().int(),
  bucket: z.string(),
  prefix: z.string(),
  lineage: z.string(),
  phase: z.enum(['restoring', 'restored']),
  head: z.string().optional(),
  unsyncedSince: z.string().optional(),
  homeInode: z.string().optional(),
  fenced: z.string().optional(),
  conflict: z.string().optional(),
});

/** Throws an Error when the state directory belongs to another workspace, whose packs are not in this one. */
export const requireSameWorkspace = (
  folder: string,
  journal: Pick<Journal, 'bucket' | 'prefix'> | undefined,
  here: { readonly store: { readonly name: string }; readonly prefix: string },
): void => {
  if (journal === undefined || (journal.bucket === here.store.name && journal.prefix === here.prefix)) return;
  const [there, wanted] = [`${journal.bucket}/${journal.prefix}`, `${here.store.name}/${here.prefix}`];
  throw new HomeError('NotRestored', `the state directory ${folder} belongs to ${there}, not to ${wanted}`);
};

export const writeJournal = (folder: string, journal: Journal): Promise<void> => {
  const { head, homeInode, ...rest } = journal;
  const text = JSON.stringify({
    format: FORMAT,
    ...rest,
    head: head === undefined ? undefined : encodeHead(head).toString(),
    homeInode: homeInode?.toString(),
  });
  return writeStateFile(folder, FILE, text);
};

/** Undefined where there is none yet. Throws HomeError `Corrupt` rather than guess: it decides what may be deleted. */
export const readJournal = (folder: string): Journal | undefined => {
  const body = readStateFile(folder, FILE);
  if (body === undefined) return undefined;
  const where = `${folder}/${FILE}`;
  const { data } = wire.safeParse(parse(body.toString()));
  if (data === undefined) throw new HomeError('Corrupt', `${where} is no journal of format ${FORMAT}`);
  return {
    epoch: data.epoch,
    bucket: data.bucket,
    prefix: data.prefix,
    lineage: data.lineage,
    phase: data.phase,
    head: data.head === undefined ? undefined : decodeHead(Buffer.from(data.head), where),
    unsyncedSince: data.unsyncedSince,
    homeInode: data.homeInode === undefined ? undefined : BigInt(data.homeInode),
    fenced: data.fenced,
    conflict: data.conflict,
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
