import type { Head } from './head.ts';
import type { Bucket } from './fetch-verified.ts';
import { HomeError, isHomeError, type RestoreRequest } from './home.ts';
import { parseManifestKey } from './layout.ts';
import { readCommitAt, type ReadCommit } from './read-commit.ts';

/** A number is looked for by walking back: one request a commit. */
const LONGEST_WALK = 100;

/**
 * How a home begins with an older commit. The claim comes first, as always; the home is filled with the older tree, and
 * with that every byte of it is fetched and checked; only then it is published, as a new commit on top of HEAD, whose
 * compare-and-swap also writes down the request. So whatever fails or dies on the way, HEAD is the state before or the
 * state asked for, and a request that HEAD knows is not carried out again. What was there before stays in the history.
 */
export const isPending = (request: RestoreRequest | undefined, head: Head): request is RestoreRequest =>
  request !== undefined && head.restored?.requestId !== request.requestId;

/** The commit that is asked for. Throws HomeError `RestoreRefused` where it is not there or damaged, StoreErrors. */
export const requestedCommit = (
  bucket: Bucket,
  request: RestoreRequest,
  head: Head,
  signal: AbortSignal | undefined,
): Promise<ReadCommit> =>
  orRefuse(request, async () =>
    request.manifest === undefined
      ? walkBack(bucket, head.manifest, request.sequence ?? 0, signal)
      : readCommitAt(bucket, request.manifest, signal),
  );

/** What is wrong with the older commit is not wrong with the workspace. */
export const orRefuse = async <T>(request: RestoreRequest, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (thrown) {
    if (!isHomeError(thrown, 'Corrupt')) throw thrown;
    const wanted = request.manifest ?? `commit ${request.sequence}`;
    throw new HomeError(
      'RestoreRefused',
      `request ${request.requestId} to go back to ${wanted} cannot be carried out: ${thrown.message}; ask for another one in the Workspace's spec.restore, or remove that`,
      thrown,
    );
  }
};

const walkBack = async (
  bucket: Bucket,
  from: string | undefined,
  sequence: number,
  signal: AbortSignal | undefined,
): Promise<ReadCommit> => {
  let next = from;
  for (let steps = 0; steps < LONGEST_WALK && next !== undefined; steps++) {
    const number = parseManifestKey(next)?.sequence;
    if (number !== undefined && number < sequence) break;
    const commit = await readCommitAt(bucket, next, signal);
    if (commit.manifest.sequence === sequence) return commit;
    next = commit.manifest.parent;
  }
  throw new HomeError('Corrupt', `there is no such commit among the last ${LONGEST_WALK} of ${bucket.prefix}`);
};
