import { isOurs, newNonce } from './claim.ts';
import { readHead, swapHead } from './head-object.ts';
import { openHomeFolder } from './home-state.ts';
import { HomeError, type Home, type HomeOptions } from './home.ts';
import { readJournal, requireSameWorkspace, writeJournal, type Journal } from './journal.ts';
import { openHome } from './open-home.ts';
import { makeStateFolder } from './state-files.ts';

const TRIES = 5;

/**
 * Opens a directory that a person has filled as a home that may be committed, without restoring into it: its next
 * commit replaces the workspace's whole tree. HEAD is taken over from whoever has it, who is fenced from then on.
 *
 * Without `epoch` the takeover keeps HEAD's (a workspace without HEAD gets 0): the numbers belong to the controller,
 * which counts one up for the next sandbox, and one ahead of it would fence that sandbox. The lineage tells the two
 * writers of one epoch apart. A state directory from an earlier call goes on where it ended while HEAD is still ours.
 */
export const adoptHome = async (options: Omit<HomeOptions, 'epoch'> & { readonly epoch?: number }): Promise<Home> => {
  const root = openHomeFolder(options.home);
  root.close();
  await makeStateFolder(options.state);
  const before = readJournal(options.state);
  requireSameWorkspace(options.state, before, options);
  if (before?.phase === 'restoring') {
    throw new HomeError(
      'NotRestored',
      `${options.home} is a half-restored home: restore it again, or take another directory`,
    );
  }
  for (let tries = 0; tries < TRIES; tries++) {
    const current = await readHead(options, undefined);
    const lineage = before?.lineage ?? options.random.hex(8);
    const epoch = options.epoch ?? current?.head.epoch ?? 0;
    const identity = { epoch, lineage, writer: options.writer };
    if (before !== undefined && before.epoch === epoch && current !== undefined && isOurs(current.head, identity)) {
      return openHome({ ...options, epoch });
    }
    if (current !== undefined && current.head.epoch > epoch) {
      throw new HomeError(
        'Fenced',
        `HEAD has epoch ${current.head.epoch}, which is higher than ${epoch}: leave out --epoch`,
      );
    }
    const fresh = { ...identity, lineage: options.random.hex(8) };
    const head = { ...(current?.head ?? EMPTY), ...fresh, nonce: newNonce(fresh, options) };
    const result = await swapHead(
      options,
      { ...head, committedAt: current?.head.committedAt ?? options.clock.now() },
      current?.etag,
      undefined,
    );
    if ('lost' in result) continue;
    await writeJournal(options.state, adopted(options, root.inode, fresh, result.won.head));
    return openHome({ ...options, epoch });
  }
  throw new HomeError('Fenced', `HEAD of ${options.prefix} changes all the time: is a sandbox running on it?`);
};

const EMPTY = { sequence: 0, manifest: undefined, manifestSha256: undefined, files: 0, bytes: 0 } as const;

const adopted = (
  { store, prefix }: Pick<HomeOptions, 'store' | 'prefix'>,
  homeInode: bigint,
  { epoch, lineage }: { readonly epoch: number; readonly lineage: string },
  head: Journal['head'],
): Journal => ({
  epoch,
  bucket: store.name,
  prefix,
  lineage,
  phase: 'restored',
  head,
  homeInode,
  unsyncedSince: undefined,
  fenced: undefined,
  conflict: undefined,
});
