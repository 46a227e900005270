import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { changeHome, makeHome } from '../support/e2e-faults/changing-home.ts';
import { headTree } from '../support/e2e-faults/head-tree.ts';
import { type HomeProgramSettings, homeProcesses, s3Settings } from '../support/e2e-faults/home-process.ts';
import {
  atRequest,
  type FaultPlan,
  type S3RequestProxy,
  startS3RequestProxy,
} from '../support/e2e-faults/s3-request-proxy.ts';
import { treeManifest } from '../support/e2e-faults/tree-manifest.ts';

/** Far above what a commit of the test's home takes: a loop that gets there has not understood something. */
const MORE_THAN_ANY_COMMIT = 60;

const startHomeProcess = homeProcesses();
let proxy: S3RequestProxy;

beforeAll(async () => {
  proxy = await startS3RequestProxy(requireEnvironment().AWS_ENDPOINT_URL_S3 ?? '');
});
afterAll(async () => {
  await proxy.close();
});

describe.each(['before', 'after'] as const)('SIGKILL %s S3 has seen the request', (moment) => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'matrx-kill-'));
  });
  afterEach(async () => {
    proxy.heal();
    await rm(folder, { recursive: true });
  });

  scenario(
    'at every request of a commit: HEAD is one complete state, and the next run commits the rest [F17]',
    150,
    async (cluster) => {
      const direct = await newHome(cluster, folder, 1);
      await fillAndCommit(direct);
      let committed = await treeManifest(direct.home);

      for (let index = 1; index < MORE_THAN_ANY_COMMIT; index += 1) {
        await changeHome(direct.home, index);
        const changed = await treeManifest(direct.home);
        const finished = await runStruck(direct, atRequest(index, moment));
        expect([committed, changed]).toContainEqual(await headTree(direct));
        if (finished) {
          // Every request before this one has been struck in its turn, down to the last, which publishes HEAD.
          expect(proxy.seen().length).toBeLessThan(index);
          expect(proxy.seen().at(-1)).toMatchObject({ method: 'PUT', target: expect.stringContaining('/HEAD') });
          return;
        }
        expect(await startHomeProcess(direct).ended).toBe(true);
        expect(await headTree(direct)).toEqual(changed);
        committed = changed;
      }
      throw new Error(`a commit had not ended after ${MORE_THAN_ANY_COMMIT} requests`);
    },
  );

  scenario(
    'at every request of a restore: the next run completes it, and loses nothing of HEAD',
    150,
    async (cluster) => {
      const first = await newHome(cluster, folder, 1);
      await fillAndCommit(first);
      const committed = await treeManifest(first.home);

      for (let index = 1; index < MORE_THAN_ANY_COMMIT; index += 1) {
        const next = { ...(await newHome(cluster, folder, index + 1)), prefix: first.prefix };
        const finished = await runStruck(next, atRequest(index, moment));
        expect(await headTree(first)).toEqual(committed);
        if (!finished) expect(await startHomeProcess(next).ended).toBe(true);
        expect(await treeManifest(next.home)).toEqual(committed);
        expect(await headTree(first)).toEqual(committed);
        await rm(next.home, { recursive: true });
        if (finished) return;
      }
      throw new Error(`a restore had not ended after ${MORE_THAN_ANY_COMMIT} requests`);
    },
  );
});

/** An empty home of the epoch, with its state beside it; a prefix of its own in the bucket. */
const newHome = async ({ environment }: Cluster, folder: string, epoch: number): Promise<HomeProgramSettings> => {
  const home = join(folder, String(epoch), 'home');
  const state = join(folder, String(epoch), 'state');
  await mkdir(home, { recursive: true });
  await mkdir(state, { recursive: true });
  return {
    s3: s3Settings(environment, environment.AWS_ENDPOINT_URL_S3 ?? ''),
    prefix: workspacePrefix(uniqueName('killed')),
    epoch,
    home,
    state,
  };
};

/** A first commit: the home is opened empty, as every home is, and then filled. */
const fillAndCommit = async (settings: HomeProgramSettings): Promise<void> => {
  expect(await startHomeProcess(settings).ended).toBe(true);
  await makeHome(settings.home);
  expect(await startHomeProcess(settings).ended).toBe(true);
};

/** One run through the proxy, killed by the plan. True when it ended before the plan applied. */
const runStruck = async (settings: HomeProgramSettings, plan: FaultPlan): Promise<boolean> => {
  let strike = (): Promise<void> => Promise.resolve();
  void proxy.arm(plan, () => strike());
  const running = startHomeProcess({ ...settings, s3: { ...settings.s3, endpoint: proxy.endpoint } });
  strike = running.kill;
  return running.ended;
};
