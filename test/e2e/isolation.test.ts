import { expect } from '@jest/globals';
import type { OwnerReference } from '../../src/api/meta.ts';
import { GROUP_VERSION, LABEL_SANDBOX, LABEL_USER } from '../../src/api/names.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { workspaceId } from '../../src/api/workspace-id.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { isReady } from '../support/e2e/cluster.ts';
import { eventsOf } from '../support/e2e/events.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { handMadePod } from '../support/e2e/hand-made-pod.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const CONTROLLER = 'system:serviceaccount:matrx-system:matrx-controller';

/** Starts the sandbox of somebody who has something to lose. */
const startVictim = async (cluster: Cluster): Promise<Sandbox> => {
  const sandbox = aSandbox('victim');
  await cluster.start(sandbox);
  await cluster.shell(sandbox.name, 'echo mine > secret.txt');
  return cluster.until(sandbox.name, 'it is Ready', isReady);
};

const imageOf = async (cluster: Cluster, pod: string): Promise<string> =>
  cluster.kubectl.run(['get', `pod/${pod}`, '-o', 'jsonpath={.spec.containers[0].image}']);

const ownedBy = (sandbox: Sandbox): OwnerReference => ({
  apiVersion: GROUP_VERSION,
  kind: 'Sandbox',
  name: sandbox.metadata.name,
  uid: sandbox.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

/** Waits until kubelet has said why the volume was refused; the pod has not got a container then. */
const expectRefused = async (cluster: Cluster, pod: string, message: RegExp): Promise<void> => {
  await eventually(
    `pod ${pod} has an event FailedMount with PermissionDenied and ${String(message)}`,
    async () => {
      const events = await eventsOf(cluster.kubectl, 'Pod', pod);
      return events.some(
        ({ reason, note = '' }) => reason === 'FailedMount' && note.includes('PermissionDenied') && message.test(note),
      );
    },
    { deadlineMs: 60_000, signal: cluster.signal },
  );
  const refused = await cluster.kubectl.find<Pod>(`pod/${pod}`);
  expect(refused?.status?.phase).toBe('Pending');
  expect(refused?.status?.containerStatuses?.map(({ state }) => Object.keys(state ?? {}))).toEqual([['waiting']]);
};

const expectUndisturbed = async (cluster: Cluster, before: Sandbox): Promise<void> => {
  const { name } = before.metadata;
  const after = await cluster.until(name, 'it is still Ready', isReady);
  expect(after.status?.podUid).toBe(before.status?.podUid);
  expect(after.status?.workspace?.epoch).toBe(before.status?.workspace?.epoch);
  expect(await cluster.shell(name, 'cat secret.txt')).toBe('mine\n');
  // Its workspace still takes commits.
  await cluster.shell(name, 'echo more > later.txt');
  await cluster.workspaceUntil(
    before.spec.userId,
    'the new file is committed',
    ({ status }) => status?.session?.dirty === false && status.head?.files === 2,
  );
};

scenario("another user's sandbox sees nothing of a home on the same node", 150, async (cluster) => {
  const victim = await startVictim(cluster);
  const other = aSandbox('other');
  await cluster.start(other);
  expect(await cluster.shell(other.name, 'ls -A | grep -v "^\\.bash\\|^\\.profile" || true')).toBe('');
  expect(
    await cluster.shell(other.name, 'find / -path /proc -prune -o -name secret.txt -print 2>/dev/null || true'),
  ).toBe('');
  expect(await cluster.shell(other.name, 'cat /proc/self/mountinfo')).not.toContain(victim.spec.userId);
  // Neither the other's processes nor, through them, the other's home.
  const processes = await cluster.shell(other.name, 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" || true');
  expect(processes).toContain(other.userId);
  expect(processes).not.toContain(victim.spec.userId);
});

scenario("a hand-made pod that claims another user's workspace in its attributes is refused", 150, async (cluster) => {
  const victim = await startVictim(cluster);
  const pod = uniqueName('forged');
  cluster.own(`pod/${pod}`);
  await cluster.kubectl.create(
    handMadePod(
      {
        name: pod,
        labels: { [LABEL_SANDBOX]: victim.metadata.name, [LABEL_USER]: workspaceId(victim.spec.userId) },
      },
      await imageOf(cluster, victim.metadata.name),
      {
        tier: 'hot',
        userId: victim.spec.userId,
        workspace: victim.status?.workspace?.name ?? '',
        sandbox: victim.metadata.name,
        'csi.storage.k8s.io/pod.name': victim.metadata.name,
        'csi.storage.k8s.io/pod.uid': victim.status?.podUid ?? '',
      },
    ),
  );
  await expectRefused(cluster, pod, /was not made for a Sandbox/);
  await expectUndisturbed(cluster, victim);
  // It can be deleted like any other pod.
  await cluster.kubectl.run(['delete', `pod/${pod}`, '--timeout=60s'], { deadlineMs: 70_000 });
});

scenario(
  "a hand-made pod that names another user's Sandbox as its owner is refused, twice over",
  150,
  async (cluster) => {
    const victim = await startVictim(cluster);
    const pod = uniqueName('forged');
    cluster.own(`pod/${pod}`);
    const forged = JSON.stringify(
      handMadePod(
        {
          name: pod,
          labels: { [LABEL_SANDBOX]: victim.metadata.name, [LABEL_USER]: workspaceId(victim.spec.userId) },
          ownerReferences: [ownedBy(victim)],
        },
        await imageOf(cluster, victim.metadata.name),
        { tier: 'hot' },
      ),
    );
    const byAdmin = await cluster.kubectl.attempt(['create', '-f', '-'], { stdin: forged });
    expect(byAdmin.stderr).toContain('a pod of a Sandbox is made by the controller alone');
    expect(byAdmin.exitCode).toBe(1);

    // Past the admission policy, in the controller's own name: the node driver does not believe the pod either.
    await cluster.kubectl.run(['create', `--as=${CONTROLLER}`, '-f', '-'], { stdin: forged });
    await expectRefused(cluster, pod, /is not the pod of Sandbox/);
    await expectUndisturbed(cluster, victim);
  },
);

scenario('a hand-made pod in another namespace gets no workspace', 150, async (cluster) => {
  const victim = await startVictim(cluster);
  const pod = uniqueName('forged');
  const attributes = { tier: 'hot', userId: victim.spec.userId };
  const image = await imageOf(cluster, victim.metadata.name);
  await cluster.kubectl.create(handMadePod({ name: pod, namespace: 'default' }, image, attributes));
  try {
    await eventually(
      'kubelet says that the volume is refused to a pod of this namespace',
      async () => {
        const events = await cluster.kubectl.run([
          '--namespace=default',
          'get',
          'events',
          '--field-selector',
          `involvedObject.name=${pod},reason=FailedMount`,
          '-o',
          'jsonpath={.items[*].message}',
        ]);
        return /PermissionDenied.*namespace/.test(events);
      },
      { deadlineMs: 60_000, signal: cluster.signal },
    );
  } finally {
    await cluster.kubectl.run(['--namespace=default', 'delete', `pod/${pod}`, '--timeout=60s'], {
      deadlineMs: 70_000,
    });
  }
  await expectUndisturbed(cluster, victim);
});

scenario(
  "a pod that took a Sandbox's name keeps it from starting, and says so, until it is gone",
  150,
  async (cluster) => {
    const helper = aSandbox('image');
    await cluster.start(helper.ephemeral());
    const sandbox = aSandbox('named');
    const pod = handMadePod({ name: sandbox.name }, await imageOf(cluster, helper.name), { tier: 'hot' });
    cluster.own(`pod/${sandbox.name}`);
    await cluster.kubectl.create(pod);
    await cluster.create(sandbox);
    const held = await cluster.until(sandbox.name, 'Ready says that the name is taken', ({ status }) =>
      (status?.conditions ?? []).some(({ type, reason }) => type === 'Ready' && reason === 'PodNameTaken'),
    );
    expect(held.status?.podUid).toBeUndefined();
    await cluster.kubectl.run(['delete', `pod/${sandbox.name}`, '--timeout=60s'], { deadlineMs: 70_000 });
    await cluster.ready(sandbox.name);
  },
);
