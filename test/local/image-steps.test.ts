import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { ConfigError } from '../../src/config/load.ts';
import { loadLocalSettings } from '../../src/config/local.ts';
import type { Cluster } from '../../src/local/cluster/cluster.ts';
import { FIRST_NODE } from '../../src/local/cluster/network.ts';
import { makeDaemons } from '../../src/local/daemons.ts';
import { IMAGE_KINDS, imageSteps } from '../../src/local/image-steps.ts';
import type { Local } from '../../src/local/local.ts';
import { localPaths } from '../../src/local/paths.ts';
import { planProblem } from '../../src/local/run-steps.ts';

const paths = localPaths('/nowhere/state', '/nowhere/cache');
const localWith = (env: NodeJS.ProcessEnv): Local => ({
  settings: loadLocalSettings({ HOME: '/nowhere', ...env }, false),
  paths,
  daemons: makeDaemons({ clock: systemClock, records: paths.processes, logs: paths.logs }),
  clock: systemClock,
  random: systemRandom,
  env: {},
  isRoot: false,
  node: FIRST_NODE,
  project: '/nowhere',
});
/** One whose nodes are elsewhere. */
const cluster: Cluster = { steps: [], ready: 'cluster', runtime: 'cluster', kubectl: ['false'], ctr: undefined };
const context = { report: () => {}, log: '/dev/null', signal: new AbortController().signal };

describe('the steps that make images', () => {
  it('build one sandbox image after the other, which share their stages, and the product beside them', () => {
    const { steps } = imageSteps(localWith({}), { kinds: IMAGE_KINDS });
    expect(steps.map(({ name, needs }) => [name, needs])).toEqual([
      ['product image', []],
      ['core sandbox image', []],
      ['full sandbox image', ['core sandbox image']],
    ]);
    expect(planProblem(steps)).toBeUndefined();
  });

  it('come after what they are told to wait for', () => {
    const { steps } = imageSteps(localWith({}), { kinds: ['full', 'product'], cluster, needs: ['container runtime'] });
    expect(steps.map(({ needs }) => needs)).toEqual([['container runtime'], ['container runtime']]);
  });

  it('take an image that the environment names as it is', async () => {
    const local = localWith({ MATRX_SANDBOX_IMAGE: 'registry.example/team/sandbox:7' });
    const images = imageSteps(local, { kinds: ['full'], cluster });
    expect(() => images.nameOf('full')).toThrow('has not been made yet');
    expect(await images.steps[0]?.run(context)).toBe('registry.example/team/sandbox:7, as the environment says');
    expect(images.nameOf('full')).toBe('registry.example/team/sandbox:7');
  });

  it('say what to do where no node of the cluster is on this machine', async () => {
    const images = imageSteps(localWith({}), { kinds: ['full'], cluster });
    await expect(images.steps[0]?.run(context)).rejects.toThrow(/push them where the nodes pull from, and set MATRX_/);
  });
});

describe('the default sandbox image', () => {
  it('is the full one, unless the environment chooses', () => {
    expect(localWith({}).settings.sandboxVariant).toBe('full');
    expect(localWith({ MATRX_SANDBOX_VARIANT: 'core' }).settings.sandboxVariant).toBe('core');
    expect(() => localWith({ MATRX_SANDBOX_VARIANT: 'slim' })).toThrow(ConfigError);
  });
});
