import { displayPath, type BytePath } from './byte-path.ts';
import { fenced, isOurs, newNonce } from './claim.ts';
import type { Head } from './head.ts';
import type { Restored } from './home.ts';
import { swapHead, type CurrentHead } from './head-object.ts';
import { flushHome, identityOf, rememberInJournal, type HomeState } from './home-state.ts';
import { dropIndex, saveIndex } from './index-file.ts';
import { manifestKey } from './layout.ts';
import { encodeManifest, treeSize, type EncodedManifest } from './manifest.ts';
import { putContent } from './put-content.ts';
import { isDiskFull } from './state-files.ts';
import type { StoredTree } from './store-tree.ts';

/** Our own delayed swaps can get in the way, each of them once. */
const TRIES = 4;

/**
 * Makes a stored tree the workspace's HEAD. `skipped` is what of the home is not in it; `restored` the request that it
 * carries out. In this order, so that a crash at any point loses nothing: the files are
 * made durable on this disk; the manifest is stored; the index remembers it; HEAD is swapped; the journal remembers
 * that. An index whose manifest is not HEAD's tells the next commit to look.
 */
export const publish = async (
  state: HomeState,
  stored: Pick<StoredTree, 'records' | 'packs'>,
  { skipped = [], restored }: { readonly skipped?: readonly BytePath[]; readonly restored?: Restored },
  requireCurrent: () => Promise<CurrentHead>,
  signal: AbortSignal | undefined,
): Promise<CurrentHead> => {
  const { options } = state;
  const flushed = flushHome(state);
  flushed.catch(() => undefined);
  for (let tries = 1; ; tries++) {
    const base = await requireCurrent();
    const sequence = base.head.sequence + 1;
    const encoded = await encode(state, stored, skipped, { sequence, parent: base.head.manifest });
    const key = manifestKey(options.epoch, sequence, encoded.sha256);
    await putManifest(state, key, encoded, signal);
    await flushed;
    state.index = { manifest: key, records: stored.records, packs: stored.packs };
    await rememberIndex(state, key, encoded);

    const identity = identityOf(state);
    const head: Head = {
      epoch: options.epoch,
      sequence,
      manifest: key,
      manifestSha256: encoded.sha256,
      writer: options.writer,
      nonce: newNonce(identity, options),
      committedAt: options.clock.now(),
      ...treeSize([...stored.records.values()].map(({ entry }) => entry)),
      restored: restored ?? base.head.restored,
    };
    // Until the answer is known, HEAD is not.
    state.current = undefined;
    const result = await swapHead(options, head, base.etag, signal);
    if ('won' in result) return confirm(state, result.won);
    if (result.lost === undefined || !isOurs(result.lost.head, identity) || tries === TRIES) {
      const error = fenced(result.lost?.head, identity);
      await rememberInJournal(state, { fenced: error.message });
      throw error;
    }
    state.current = result.lost;
  }
};

const confirm = async (state: HomeState, won: CurrentHead): Promise<CurrentHead> => {
  state.current = won;
  await rememberInJournal(state, { head: won.head, unsyncedSince: undefined });
  state.present.clear();
  return won;
};

/**
 * A disk that the user has filled must not stop what is on it from being saved: without an index the next start reads
 * HEAD, and every file.
 */
const rememberIndex = async (state: HomeState, key: string, encoded: EncodedManifest): Promise<void> => {
  const records = state.index?.records ?? new Map<string, never>();
  try {
    await saveIndex(state.options.state, key, encoded, records, state.boot);
  } catch (thrown) {
    if (!isDiskFull(thrown)) throw thrown;
    await dropIndex(state.options.state);
  }
};

const encode = (
  { options }: HomeState,
  { records, packs }: Pick<StoredTree, 'records' | 'packs'>,
  skipped: readonly BytePath[],
  place: { readonly sequence: number; readonly parent: string | undefined },
): Promise<EncodedManifest> =>
  encodeManifest({
    ...place,
    epoch: options.epoch,
    writer: options.writer,
    createdAt: options.clock.now(),
    packs,
    skipped: skipped.map(displayPath),
    entries: [...records.values()].map(({ entry }) => entry),
  });

export const putManifest = async (
  { options }: HomeState,
  key: string,
  { body, sha256 }: EncodedManifest,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const how = { sha256, contentType: 'application/gzip', ...(signal === undefined ? {} : { signal }) };
  await putContent(options.store, options.prefix + key, body, how);
};
