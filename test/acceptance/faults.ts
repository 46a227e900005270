import type { AcceptanceLine } from './lines.ts';

/** Where a class of faults must be shown: on models, on a real API server, on a real node. */
export type Ground = 'model' | 'API server' | 'node';

export interface FaultClass extends AcceptanceLine {
  readonly on: readonly Ground[];
}

const fault = (id: number, says: string, ...on: readonly Ground[]): FaultClass => ({ id: `F${id}`, says, on });

/** What has broken operators, and must break nothing here. A test that shows a class names its id in its title: `[F4]`. */
export const FAULTS: readonly FaultClass[] = [
  fault(1, 'A crash after any write, and a new start.', 'model', 'API server'),
  fault(2, 'A crash between a child’s creation and the status that names it.', 'model', 'API server'),
  fault(3, 'A list that is old: from a lagging API server, or a cache in between.', 'model', 'API server'),
  fault(4, 'Watch events lost, late, doubled, and in another order between kinds.', 'model', 'API server'),
  fault(5, 'A watch that was accepted and is silent for ever.', 'API server'),
  fault(6, 'A watch cut in the middle of a line, and of a character.', 'API server'),
  fault(7, '410 on a watch, and on a page of a list.', 'model', 'API server'),
  fault(8, 'An ERROR event other than 410 in a watch.', 'API server'),
  fault(9, '429 with Retry-After, 409, 503, and 504 for what was applied.', 'model', 'API server'),
  fault(10, 'The API server is gone for a minute, and back with a thousand changes.', 'API server'),
  fault(11, 'The same name with another uid, made while nobody watched.', 'model', 'API server'),
  fault(
    12,
    'A stranger’s object with a child’s name; a label stolen; an owner reference removed.',
    'model',
    'API server',
  ),
  fault(13, 'A spec that changes during a pass, and a hundred changes at once.', 'model'),
  fault(
    14,
    'Deleted while it is made; deleted twice; its finalizer removed by hand; a cleanup that never succeeds.',
    'model',
    'API server',
  ),
  fault(
    15,
    'Two leaders for a lease’s time, a lease stolen during a write, a clock an hour wrong.',
    'model',
    'API server',
  ),
  fault(16, 'A pod evicted, out of memory, without its image, unschedulable, stuck, on a lost node.', 'model', 'node'),
  fault(17, 'S3 refusing, slow, torn, behind; a full disk; credentials that end; SIGKILL in a flush.', 'model', 'node'),
  fault(18, 'A resource that breaks the planner: it suffers alone.', 'model'),
  fault(19, 'A handler that throws.', 'model'),
  fault(20, 'A definition that is absent or older; a permission that is missing.', 'API server'),
  fault(
    21,
    'Clients of the facade that disconnect and ask again; replicas that race; a cache that lags.',
    'model',
    'API server',
  ),
  fault(22, 'Nothing happens: nothing is written, and nothing grows.', 'API server'),
  fault(23, 'An event loop that stands still.', 'model', 'API server'),
  fault(24, 'SIGTERM under load.', 'API server'),
];
