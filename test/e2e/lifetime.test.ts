import { expect } from '@jest/globals';
import { ANNOTATION_LAST_HEARTBEAT, ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { type Cluster, isReady, standingReason } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { eventsOf } from '../support/e2e/events.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const patch = (cluster: Cluster, name: string, change: object): Promise<string> =>
  cluster.kubectl.merge(`sbx/${name}`, change);
const isExpired = (sandbox: Sandbox): boolean => standingReason(sandbox) === 'Expired';

scenario(
  'a lifetime that is over ends the sandbox and saves its home, and a longer one brings it back [A2.1] [A2.3] [T3]',
  240,
  async (cluster) => {
    const sandbox = aSandbox('mortal').with({ lifetime: { ttlSeconds: 20 } });
    await cluster.start(sandbox);
    await cluster.shell(sandbox.name, 'echo kept > note.txt');
    const expired = await cluster.until(sandbox.name, 'it has expired', isExpired);
    expect(expired.spec.desiredState).toBe('Running');
    expect(expired.status).toMatchObject({ phase: 'Stopped', stopReason: 'expired' });
    expect(expired.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'WorkspaceSaved', status: 'True' }),
    );
    const late = Date.parse(expired.status?.stoppedAt ?? '') - Date.parse(expired.status?.expiresAt ?? '');
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(60_000);
    expect(await cluster.kubectl.find(`pod/${sandbox.name}`)).toBeUndefined();
    // Events follow what they tell of.
    await eventually(
      'an event tells that it has expired',
      async () => (await eventsOf(cluster.kubectl, 'Sandbox', sandbox.name)).some(({ reason }) => reason === 'Expired'),
      { deadlineMs: 60_000, signal: cluster.signal },
    );

    await patch(cluster, sandbox.name, {
      metadata: { annotations: { [ANNOTATION_LAST_HEARTBEAT]: new Date().toISOString() } },
    });
    await patch(cluster, sandbox.name, { spec: { lifetime: { ttlSeconds: 7_200 } } });
    await cluster.until(sandbox.name, 'it runs again', isReady);
    expect(await cluster.shell(sandbox.name, 'cat note.txt')).toBe('kept\n');
  },
);

scenario(
  'a suspended one of which a new run is asked starts again, with a lifetime of its own',
  240,
  async (cluster) => {
    const sandbox = aSandbox('resumed').with({ lifetime: { ttlSeconds: 20, onExpire: 'Suspend' } });
    await cluster.start(sandbox);
    const expired = await cluster.until(sandbox.name, 'it has expired', isExpired);
    expect(expired.status?.phase).toBe('Suspended');
    await patch(cluster, sandbox.name, {
      metadata: { annotations: { [ANNOTATION_NEW_RUN]: 'resume-1' } },
      spec: { lifetime: { ttlSeconds: 600 } },
    });
    const resumed = await cluster.until(sandbox.name, 'it runs again', isReady);
    expect(Date.parse(resumed.status?.expiresAt ?? '')).toBeGreaterThan(Date.parse(expired.status?.expiresAt ?? ''));
  },
);

scenario(
  'a finished sandbox is forgotten when its retention is over, and its workspace stays',
  180,
  async (cluster) => {
    const sandbox = aSandbox('forgotten').with({ lifetime: { retainSeconds: 10 } });
    await cluster.start(sandbox);
    await cluster.shell(sandbox.name, 'echo kept > note.txt');
    await patch(cluster, sandbox.name, { spec: { desiredState: 'Stopped' } });
    await cluster.until(sandbox.name, 'it is stopped', (found) => standingReason(found) === 'Stopped');
    await cluster.objectUntil<Sandbox>(SANDBOXES, sandbox.name, 'it is gone', (found) => found === undefined);
    const next = aSandbox('forgotten').ofUser(sandbox.userId);
    await cluster.start(next);
    expect(await cluster.shell(next.name, 'cat note.txt')).toBe('kept\n');
  },
);
