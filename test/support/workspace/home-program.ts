import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { RestoreRequest } from '../../../src/workspace/home.ts';
import { openHome } from '../../../src/workspace/open-home.ts';
import { fakeStore } from '../fake-s3/store.ts';

/**
 * The engine in a process of its own, to be killed:
 * `home-program.ts <endpoint> <prefix> <epoch> <home> <state> [<restore request as JSON>]`.
 * Restores, commits, and says so on stdout, one JSON value a line.
 */
const [endpoint = '', prefix = '', epoch = '1', home = '', state = '', request] = process.argv.slice(2);
const store = fakeStore({ endpoint });
const opened = await openHome({
  store,
  prefix,
  epoch: Number(epoch),
  writer: `process ${process.pid}`,
  home,
  state,
  ownerId: 1000,
  clock: systemClock,
  random: systemRandom,
  // A killed process loses nothing that the kernel has.
  flush: () => Promise.resolve(),
});
process.stdout.write(
  `${JSON.stringify(await opened.restore(request === undefined ? {} : { request: JSON.parse(request) as RestoreRequest }))}\n`,
);
process.stdout.write(`${JSON.stringify(await opened.commit({ final: true }))}\n`);
await opened.close();
store.close();
