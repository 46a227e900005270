import type { Head } from './head.ts';
import { readHead, swapHead, type CurrentHead, type HeadDeps } from './head-object.ts';
import { HomeError } from './home.ts';

/** Who this home is to HEAD. */
export interface Identity {
  readonly epoch: number;
  /** Every nonce of this home begins with it. */
  readonly lineage: string;
  readonly writer: string;
}

/** Older writers that commit at this very moment can make the swap fail, each of them once. */
const TRIES = 10;
const FIRST_EPOCH = 1;

export const isOurs = ({ nonce }: Head, { lineage }: Identity): boolean => nonce.startsWith(`${lineage}-`);

export const fenced = (head: Head | undefined, { epoch }: Identity): HomeError => {
  const holder = head === undefined ? 'HEAD was deleted' : `HEAD is held by ${head.writer} with epoch ${head.epoch}`;
  return new HomeError('Fenced', `${holder}; this writer has epoch ${epoch} and may not commit any more`);
};

/**
 * Makes HEAD ours: the same commit, our epoch, a nonce of ours. From then on no older writer's compare-and-swap can
 * succeed. Finds and keeps a claim of our own from before a crash. Throws HomeError `Fenced` when a newer writer, or
 * another of this epoch, has it.
 */
export const claimHead = async (
  deps: HeadDeps,
  identity: Identity,
  signal: AbortSignal | undefined,
): Promise<CurrentHead> => {
  for (let tries = 0; tries < TRIES; tries++) {
    // The first epoch of all usually finds nothing: it asks only when its attempt to be first has failed.
    const current = tries === 0 && identity.epoch === FIRST_EPOCH ? undefined : await readHead(deps, signal);
    if (current !== undefined && isOurs(current.head, identity)) return current;
    if (current !== undefined && current.head.epoch >= identity.epoch) throw fenced(current.head, identity);
    const head: Head = {
      ...(current?.head ?? emptyHead(deps.clock.now())),
      epoch: identity.epoch,
      writer: identity.writer,
      nonce: newNonce(identity, deps),
    };
    const result = await swapHead(deps, head, current?.etag, signal);
    if ('won' in result) return result.won;
  }
  throw new HomeError('Fenced', `HEAD changed ${TRIES} times while epoch ${identity.epoch} tried to claim it`);
};

export const newNonce = ({ lineage }: Identity, { random }: Pick<HeadDeps, 'random'>): string =>
  `${lineage}-${random.hex(8)}`;

const emptyHead = (now: number): Omit<Head, 'epoch' | 'writer' | 'nonce'> => ({
  sequence: 0,
  manifest: undefined,
  manifestSha256: undefined,
  committedAt: now,
  files: 0,
  bytes: 0,
});
