import { systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { hostEnvironment, loadLocalSettings } from '../config/local.ts';
import { FIRST_NODE } from './cluster/network.ts';
import { makeDaemons } from './daemons.ts';
import type { Local } from './local.ts';
import { withSystemFolders } from './packages.ts';
import { localPaths } from './paths.ts';
import { projectRoot } from './project-root.ts';

/** The local installation as this process's environment describes it. Throws a ConfigError, or when there is no checkout. */
export const openLocal = (): Local => {
  const settings = loadLocalSettings();
  const paths = localPaths(settings.stateDir, settings.cacheDir);
  const env = hostEnvironment();
  return Object.freeze({
    settings,
    paths,
    daemons: makeDaemons({ clock: systemClock, records: paths.processes, logs: paths.logs }),
    clock: systemClock,
    random: systemRandom,
    env: Object.freeze({ ...env, PATH: withSystemFolders(env.PATH ?? '') }),
    isRoot: process.getuid?.() === 0,
    node: FIRST_NODE,
    project: projectRoot(),
  });
};
