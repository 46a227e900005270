import type { FileEvent } from '../protocol/files.ts';
import { type BytePath, encodePath, isText, toText } from './byte-path.ts';
import { type EventQueue, makeEventQueue } from './event-queue.ts';
import { watchTree } from './watch-tree.ts';
import type { TreeEvent } from './watch-verdict.ts';

export interface FileWatch extends Pick<EventQueue, 'take'> {
  readonly close: () => void;
}

/** So many events wait for a reader that is slow. */
const MAX_WAITING = 4096;

/** A watch whose events wait until they are taken. The removal of the directory itself is the last. */
export const startFileWatch = async (
  root: BytePath,
  { recursive }: { readonly recursive: boolean },
): Promise<FileWatch> => {
  const queue = makeEventQueue(toText(root), MAX_WAITING);
  const tree = await watchTree(root, {
    recursive,
    onEvents: (events) => queue.push(events.map(toFileEvent)),
    onOverflow: (path) => queue.push([{ type: 'overflow', ...naming(path) }]),
    onGone: () => {
      queue.push([{ type: 'removed', ...naming(root) }]);
      queue.end();
    },
  });
  return {
    take: queue.take,
    close: () => {
      tree.close();
      queue.end();
    },
  };
};

const toFileEvent = ({ type, path, from }: TreeEvent): FileEvent => ({
  type,
  ...naming(path),
  ...(from === undefined ? {} : { from: toText(from), ...(isText(from) ? {} : { encodedFrom: encodePath(from) }) }),
});

const naming = (path: BytePath): Pick<FileEvent, 'path' | 'encodedPath'> => ({
  path: toText(path),
  ...(isText(path) ? {} : { encodedPath: encodePath(path) }),
});
