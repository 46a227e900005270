// A process of its own that does with a home what the node driver does: it opens and restores it, and commits it once
// as at unpublish. Its one argument is a HomeProgramSettings as JSON. It ends with 0 when all of it has succeeded.
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { openHome } from '../../../src/workspace/open-home.ts';
import { makeS3Store } from '../../../src/workspace/s3/store.ts';
import type { HomeProgramSettings } from './home-process.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as HomeProgramSettings;
const store = makeS3Store({ ...settings.s3, clock: systemClock, random: systemRandom });
const home = await openHome({
  store,
  prefix: settings.prefix,
  epoch: settings.epoch,
  writer: 'the fault tests',
  home: settings.home,
  state: settings.state,
  ownerId: process.getuid?.() ?? 0,
  clock: systemClock,
  random: systemRandom,
});
await home.restore({});
await home.commit({ final: true });
await home.close();
store.close();
