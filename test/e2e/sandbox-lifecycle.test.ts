import { expect } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { isReady, standingReason } from '../support/e2e/cluster.ts';
import { eventsOf } from '../support/e2e/events.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { kstatus } from '../support/kstatus.ts';
import { scenario } from '../support/e2e/scenario.ts';

const EXAMPLE = 'manifests/examples/sandbox.yaml';

/** `make up` leaves the example running, and an event says nothing about a Sandbox that was there before. */
const removeExample = async (cluster: Cluster): Promise<void> => {
  await cluster.kubectl.run(['delete', '-f', EXAMPLE, '--ignore-not-found', '--timeout=60s'], { deadlineMs: 70_000 });
};

scenario(
  'the example sandbox becomes Ready, shows itself in kubectl get and tells its story in describe',
  150,
  async (cluster) => {
    const { kubectl } = cluster;
    await removeExample(cluster);
    cluster.own('sandbox/demo');
    await kubectl.run(['apply', '-f', EXAMPLE]);
    await kubectl.run(['wait', '--for=condition=Ready', 'sbx/demo', '--timeout=120s'], { deadlineMs: 125_000 });

    const [header = '', row = ''] = (await kubectl.run(['get', 'sbx']))
      .split('\n')
      .filter((line) => /^NAME|^demo /.test(line));
    expect(header.split(/\s{2,}|\s+/).filter(Boolean)).toEqual([
      'NAME',
      'READY',
      'REASON',
      'USER',
      'PHASE',
      'NODE',
      'AGE',
    ]);
    expect(row).toMatch(/^demo\s+True\s+PodReady\s+\S+\s+Ready\s+\S+\s+\S+$/);

    // An event is sent beside the status, not before it: it may come a moment later.
    const story = await eventually(
      'describe shows the events of a start',
      async () => {
        const text = await kubectl.run(['describe', 'sbx/demo']);
        const events = text.slice(text.indexOf('\nEvents:'));
        return /Ready/.test(events) && events;
      },
      { deadlineMs: 20_000, signal: cluster.signal },
    );
    expect(story).toMatch(/Normal/);
    expect(story).toMatch(/[Pp]od/);
    expect(story).toMatch(/[Rr]estored/);
    expect(story).not.toMatch(/Warning/);
    expect(await kubectl.run(['exec', 'demo', '--', 'id', '-u'])).toBe('1000\n');
  },
);

scenario(
  'stopping saves the home and keeps the Sandbox; starting again brings the files back',
  180,
  async (cluster) => {
    const sandbox = aSandbox('pause');
    await cluster.start(sandbox);
    await cluster.shell(sandbox.name, 'echo kept > note.txt');
    const desire = (state: Sandbox['spec']['desiredState']): Promise<string> =>
      cluster.kubectl.merge(`sbx/${sandbox.name}`, { spec: { desiredState: state } });

    for (const state of ['Stopped', 'Suspended'] as const) {
      await desire(state);
      await cluster.kubectl.run(['wait', '--for=condition=Stopped', `sbx/${sandbox.name}`, '--timeout=60s'], {
        deadlineMs: 70_000,
      });
      const stopped = await cluster.until(sandbox.name, `it is ${state}`, (found) => standingReason(found) === state);
      expect(kstatus(stopped)).toBe('Current');
      expect(stopped.status?.phase).toBe(state);
      // READY is of what runs; REASON is of what there is.
      const [, row] = (await cluster.kubectl.run(['get', 'sbx', sandbox.name])).split('\n');
      expect(row?.split(/\s+/).slice(0, 4)).toEqual([sandbox.name, state, stopped.spec.userId, state]);
      expect(stopped.status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'WorkspaceSaved', status: 'True' }),
      );
      expect(await cluster.kubectl.find(`pod/${sandbox.name}`)).toBeUndefined();
      await desire('Running');
      await cluster.until(
        sandbox.name,
        'it runs again',
        (found) => isReady(found) && found.status?.observedGeneration === found.metadata.generation,
      );
      expect(await cluster.shell(sandbox.name, 'cat note.txt')).toBe('kept\n');
    }
  },
);

scenario('a pod that dies is replaced, and the files that were committed are there', 150, async (cluster) => {
  const sandbox = aSandbox('replaced');
  await cluster.start(sandbox);
  const before = await cluster.ready(sandbox.name);
  await cluster.shell(sandbox.name, 'echo kept > note.txt');
  await cluster.kubectl.run(['delete', `pod/${sandbox.name}`, '--timeout=60s'], { deadlineMs: 70_000 });
  const after = await cluster.until(
    sandbox.name,
    'it is Ready with another pod',
    (found) => isReady(found) && found.status?.podUid !== before.status?.podUid,
  );
  expect(await cluster.shell(sandbox.name, 'cat note.txt')).toBe('kept\n');
  expect(after.status?.workspace?.epoch).toBeGreaterThan(before.status?.workspace?.epoch ?? Infinity);
});

scenario('a Sandbox deleted before it has started goes at once', 60, async (cluster) => {
  const sandbox = aSandbox('hasty');
  await cluster.create(sandbox);
  await cluster.remove(sandbox.name, 45_000);
  expect(await cluster.kubectl.find(`pod/${sandbox.name}`)).toBeUndefined();
  expect((await eventsOf(cluster.kubectl, 'Sandbox', sandbox.name)).filter(({ type }) => type === 'Warning')).toEqual(
    [],
  );
});
