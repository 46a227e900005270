import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { LocalSettings } from '../config/local.ts';
import type { ClusterNode } from './cluster/network.ts';
import type { Daemons } from './daemons.ts';
import type { LocalPaths } from './paths.ts';

/** What every part of the local installation works with. */
export interface Local {
  readonly settings: LocalSettings;
  readonly paths: LocalPaths;
  readonly daemons: Daemons;
  readonly clock: Clock;
  readonly random: Random;
  /** The environment of the programs that are started; its PATH includes the folders of programs for root. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly isRoot: boolean;
  /** What this machine is in a cluster that is built here. */
  readonly node: ClusterNode;
  /** The checkout. */
  readonly project: string;
}

/** The environment of daemons: nothing of the shell that happened to start them but the path. */
export const daemonEnvironment = (local: Local): Readonly<NodeJS.ProcessEnv> =>
  Object.freeze({ PATH: local.env.PATH, HOME: local.paths.state });
