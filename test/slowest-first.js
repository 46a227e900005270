import Sequencer from '@jest/test-sequencer';

/** Files that take minutes: begun last, they would be what all wait for, with one core idle. */
const SLOWEST = [
  'e2e/cold-workload',
  'e2e/sandbox-image',
  'e2e/killed-at-every-request',
  'e2e/own-image',
  'e2e/isolation',
  'workspace/sigkill',
  'workspace/model',
];

const rank = ({ path }) => {
  // What looks at what the others have left behind.
  if (path.endsWith('.last.test.ts')) return SLOWEST.length + 1;
  const at = SLOWEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return at === -1 ? SLOWEST.length : at;
};

/** Jest's own order, which it has from earlier runs or from the files' sizes, but for those. */
export default class SlowestFirst extends Sequencer {
  async sort(tests) {
    const order = await super.sort(tests);
    return order.toSorted((first, second) => rank(first) - rank(second));
  }
}
