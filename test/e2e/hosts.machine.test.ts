import { afterAll, beforeAll, expect } from '@jest/globals';
import { cp, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { systemClock } from '../../src/base/clock.ts';
import { identifyProcess } from '../../src/base/process-identity.ts';
import { auditLogPath } from '../../src/local/cluster/audit.ts';
import { type ClusterNode, FIRST_NODE } from '../../src/local/cluster/network.ts';
import { openLocal } from '../../src/local/open-local.ts';
import { localPaths } from '../../src/local/paths.ts';
import { type Cluster, isReady, makeCluster } from '../support/e2e/cluster.ts';
import type { Environment } from '../support/e2e/environment.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { lifeOf } from '../support/e2e/life-of.ts';
import { objectsOf } from '../support/e2e/objects-of.ts';
import { aSandbox, type SandboxBuilder } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { leader, processOf, untilAnotherLeads } from '../support/e2e-faults/leader.ts';
import { withRestoredHead } from '../support/e2e-faults/restored-head.ts';
import { SYSTEM_NAMESPACE } from '../support/e2e-faults/system-containers.ts';
import { untilCommitted } from '../support/e2e-faults/until-committed.ts';
import { holdsAllOf, readWriterState, startWriter } from '../support/e2e-faults/writer.ts';
import { backUp } from '../support/machine/back-up.ts';
import { bringUp, type Installations, prepareInstallations } from '../support/machine/installation.ts';
import { type Machine, stateOf } from '../support/machine/machine.ts';
import { joinCluster, SECOND_NODE } from '../support/machine/second-node.ts';
import { auditEvents, isWrite, MACHINE_AUDIT, podOf } from '../support/rbac/audit-log.ts';
import { describeRequest } from '../support/rbac/permissions.ts';

const over = new AbortController();
let installations: Installations;
let machine: Machine;
let worker: Machine;

/** From here on kubectl, and all that tests do, reach the installation on this machine. */
const use = async (other: Machine): Promise<Environment> => {
  machine = other;
  const environment = await other.environment();
  Object.assign(process.env, environment);
  return environment;
};

const auditLogOf = ({ folder }: Machine): string => auditLogPath(localPaths(stateOf(folder), ''));

beforeAll(async () => {
  installations = await prepareInstallations(over.signal);
  process.stderr.write(`the version before is ${installations.which}\n`);
  const first = await installations.machine('first');
  await bringUp(first, installations.earlier);
  await use(first);
}, 600_000);
afterAll(async () => {
  over.abort(new Error('the tests are over'));
  try {
    // permissions.last.test.ts reads what was needed of the product's permissions here.
    const log = auditLogPath(openLocal().paths);
    await cp(auditLogOf(machine), join(dirname(log), MACHINE_AUDIT));
  } finally {
    await installations.remove();
  }
}, 120_000);

const desire = (cluster: Cluster, { name }: SandboxBuilder, desiredState: string): Promise<string> =>
  cluster.kubectl.merge(`sbx/${name}`, { spec: { desiredState } });

const productImages = (cluster: Cluster): Promise<string> =>
  cluster.kubectl.run([
    `--namespace=${SYSTEM_NAMESPACE}`,
    'get',
    'deployments,daemonsets',
    '-o',
    'jsonpath={.items[*].spec.template.spec.containers[*].image}',
  ]);

scenario(
  'an upgrade from the version before, and the way back, restart no sandbox and lose no commit',
  600,
  async (cluster) => {
    const [busy, idle, stopped] = [aSandbox('busy'), aSandbox('idle'), aSandbox('stopped')];
    await Promise.all([busy, idle, stopped].map((sandbox) => cluster.start(sandbox)));
    await cluster.shell(idle.name, 'echo idle > note.txt');
    await cluster.shell(stopped.name, 'echo stopped > note.txt');
    await desire(cluster, stopped, 'Stopped');
    await cluster.until(stopped.name, 'it has stopped', ({ status }) => status?.phase === 'Stopped');
    const writer = await startWriter(cluster, busy.name);
    let committed = await untilCommitted(cluster, busy.userId, await writer.written());
    const before = await Promise.all([busy, idle].map((sandbox) => lifeOf(cluster, sandbox)));
    expect(installations.current.product).not.toBe(installations.earlier.product);

    for (const version of [installations.current, installations.earlier]) {
      await bringUp(machine, version);
      expect(await Promise.all([busy, idle].map((sandbox) => lifeOf(cluster, sandbox)))).toEqual(before);
      const head = await withRestoredHead(cluster, workspacePrefix(busy.userId), readWriterState);
      expect(holdsAllOf(head, committed)).toBe(true);
      // The version that is there now commits what is written under it.
      committed = await untilCommitted(cluster, busy.userId, await writer.written());
      expect(await productImages(cluster)).toContain(version.product);
    }

    const last = await writer.stop();
    await cluster.remove(busy.name);
    expect((await withRestoredHead(cluster, workspacePrefix(busy.userId), readWriterState)).last).toBe(last);
    expect(await cluster.shell(idle.name, 'cat note.txt')).toBe('idle\n');
    await desire(cluster, stopped, 'Running');
    await cluster.ready(stopped.name);
    expect(await cluster.shell(stopped.name, 'cat note.txt')).toBe('stopped\n');
  },
);

const recordsOf = async (cluster: Cluster): Promise<readonly string[]> =>
  (await cluster.kubectl.run(['get', 'sandboxes,workspaces,sandboxtemplates', '-o', 'name']))
    .trim()
    .split('\n')
    .toSorted();

scenario(
  'the datastore of a host that is lost, restored onto another: its Sandboxes and Workspaces are there, and every home is as the bucket has it',
  600,
  async (cluster) => {
    const [busy, stopped, suspended, newer] = [
      aSandbox('survivor'),
      aSandbox('stopped'),
      aSandbox('suspended'),
      aSandbox('newer'),
    ];
    await Promise.all([busy, stopped, suspended, newer].map((sandbox) => cluster.start(sandbox)));
    for (const { name } of [stopped, suspended, newer])
      await cluster.shell(name, 'echo "$1" > note.txt', { args: [name] });
    await desire(cluster, stopped, 'Stopped');
    await desire(cluster, suspended, 'Suspended');
    for (const { name } of [stopped, suspended]) {
      await cluster.until(name, 'it rests', ({ status }) => ['Stopped', 'Suspended'].includes(status?.phase ?? ''));
    }
    const writer = await startWriter(cluster, busy.name);
    const records = await recordsOf(cluster);
    await backUp(machine, join(machine.folder, 'backup'));

    // What the backup does not know: more commits, three more writers of one workspace, a sandbox more.
    await cluster.remove(newer.name);
    for (const text of ['second', 'third', 'fourth']) {
      const next = aSandbox('newer').ofUser(newer.userId);
      await cluster.start(next);
      await cluster.shell(next.name, 'echo "$1" >> note.txt', { args: [text] });
      await cluster.remove(next.name);
    }
    const unknown = aSandbox('unknown');
    await cluster.start(unknown);
    await cluster.shell(unknown.name, 'echo unknown > note.txt');
    await cluster.remove(unknown.name);
    const saved = await untilCommitted(cluster, busy.userId, await writer.written());
    const lost = machine;
    await lost.powerOff();

    const second = await installations.machine('second');
    const state = stateOf(second.folder);
    await cp(join(lost.folder, 'backup'), state, { recursive: true });
    // The bucket is not the host's.
    await rename(join(stateOf(lost.folder), 's3'), join(state, 's3'));
    await bringUp(second, installations.current);
    const restored = makeCluster(await use(second), new Set(), cluster.signal);
    expect(await recordsOf(restored)).toEqual(records);

    for (const sandbox of [stopped, suspended]) {
      await desire(restored, sandbox, 'Running');
      await restored.ready(sandbox.name);
      expect(await restored.shell(sandbox.name, 'cat note.txt')).toBe(`${sandbox.name}\n`);
    }
    await restored.ready(newer.name, 300_000);
    expect(await restored.shell(newer.name, 'cat note.txt')).toBe(`${newer.name}\nsecond\nthird\nfourth\n`);
    const again = aSandbox('unknown').ofUser(unknown.userId);
    await restored.start(again);
    expect(await restored.shell(again.name, 'cat note.txt')).toBe('unknown\n');
    await restored.ready(busy.name);
    await restored.shell(busy.name, 'echo on > note.txt');
    for (const { name } of [again, busy, newer]) await restored.remove(name);
    const head = await withRestoredHead(restored, workspacePrefix(busy.userId), readWriterState);
    expect(holdsAllOf(head, saved)).toBe(true);
  },
);

scenario(
  'the leader is killed in the middle of a hundred starts: none is lost, none is made twice; one that is frozen and wakes after its lease writes nothing [F1] [F15] [F23]',
  500,
  async (cluster) => {
    const log = auditLogOf(machine);
    const since = new Date(systemClock.now()).toISOString();
    const burst = Array.from({ length: 100 }, (_, index) => aSandbox(`burst-${index}`).ephemeral());
    for (const { name } of burst) cluster.own(`sandbox/${name}`);
    const podNames = async (): Promise<readonly string[]> =>
      (await cluster.kubectl.run(['get', 'pods', '-o', 'name']))
        .split('\n')
        .filter((name) => name.startsWith('pod/burst-'));
    const list = { apiVersion: 'v1', kind: 'List', items: burst.map((sandbox) => sandbox.build()) };
    const asked = cluster.kubectl.run(['create', '-f', '-'], { stdin: JSON.stringify(list), deadlineMs: 180_000 });
    // It is waited for below, unless the test fails before.
    asked.catch(() => undefined);
    await eventually('the starts are under way', async () => (await podNames()).length >= 20, {
      deadlineMs: 120_000,
      everyMs: 100,
      signal: cluster.signal,
    });
    const killed = await leader(cluster);
    process.kill(await processOf(cluster, killed), 'SIGKILL');
    await Promise.all([asked, untilAnotherLeads(cluster, killed)]);
    const names = burst.map(({ name }) => `sandbox/${name}`);
    await cluster.kubectl.run(['wait', '--for=condition=Ready', '--timeout=240s', ...names], { deadlineMs: 250_000 });
    expect(new Set(await podNames()).size).toBe(burst.length);

    const frozen = await leader(cluster);
    const pid = await processOf(cluster, frozen);
    // With work in its hands.
    const half = names.slice(0, burst.length / 2);
    await cluster.kubectl.run(['delete', '--wait=false', ...half]);
    process.kill(pid, 'SIGSTOP');
    await untilAnotherLeads(cluster, frozen);
    // What had left it before it was stopped has arrived long since.
    const woken = new Date(systemClock.now()).toISOString();
    process.kill(pid, 'SIGCONT');
    await eventually('the one that was frozen has ended', async () => (await identifyProcess(pid)) === undefined, {
      deadlineMs: 30_000,
      everyMs: 100,
      signal: cluster.signal,
    });
    const ended = new Date(systemClock.now()).toISOString();
    await cluster.kubectl.run(['delete', '--timeout=200s', ...names.slice(burst.length / 2)], { deadlineMs: 210_000 });
    await cluster.kubectl.run(['wait', '--for=delete', '--timeout=120s', ...half], { deadlineMs: 130_000 });

    const made: string[] = [];
    const unheard: string[] = [];
    const late: string[] = [];
    for await (const event of auditEvents(log, since)) {
      const { objectRef, requestReceivedTimestamp: at } = event;
      const pod = event.verb === 'create' && objectRef?.resource === 'pods' ? objectRef.name : undefined;
      if (pod !== undefined && event.responseStatus?.code === 504) unheard.push(pod);
      if (!isWrite(event)) continue;
      if (pod !== undefined) made.push(pod);
      if (podOf(event) === frozen && at > woken && at < ended) late.push(`${at} ${describeRequest(event)}`);
    }
    expect(new Set(made).size).toBe(made.length);
    // Of what the killed one was just making, the API server says that nobody heard its answer, made or not.
    expect(new Set([...made, ...unheard]).size).toBe(burst.length);
    expect(late).toEqual([]);
  },
);

const nodeOf = (sandbox: Sandbox): string | undefined => (isReady(sandbox) ? sandbox.status?.node : undefined);

/** Starts a sandbox on one of the two nodes, while the other takes no pods. */
const startOn = async (cluster: Cluster, sandbox: SandboxBuilder, node: ClusterNode): Promise<void> => {
  const other = node === SECOND_NODE ? FIRST_NODE : SECOND_NODE;
  await cluster.kubectl.run(['cordon', other.name]);
  await cluster.start(sandbox);
  await cluster.kubectl.run(['uncordon', other.name]);
  expect((await cluster.kubectl.json<Sandbox>(['get', `sbx/${sandbox.name}`])).status?.node).toBe(node.name);
};

scenario(
  'a node that joins takes sandboxes; when it is drained they come back on the other, with every file',
  400,
  async (cluster) => {
    worker = await installations.machine('worker');
    await joinCluster(machine, worker, installations.current.checkout);
    const sandbox = aSandbox('drained');
    await startOn(cluster, sandbox, SECOND_NODE);
    const writer = await startWriter(cluster, sandbox.name);
    await untilCommitted(cluster, sandbox.userId, await writer.written());
    const last = await writer.stop();

    const { name } = SECOND_NODE;
    await cluster.kubectl.run(['drain', name, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s'], {
      deadlineMs: 130_000,
    });
    await cluster.until(
      sandbox.name,
      'it runs on the other node',
      (found) => nodeOf(found) === FIRST_NODE.name,
      120_000,
    );
    expect(await cluster.shell(sandbox.name, 'tail -n 1 writer/log')).toBe(`${String(last).padStart(8, '0')}\n`);
    await cluster.kubectl.run(['uncordon', name]);
  },
);

scenario(
  'a node that dies: its sandbox is Ready on the other within a minute, with its last commit; when the node returns it changes nothing but what is below conflicts/ [F16]',
  500,
  async (cluster) => {
    const sandbox = aSandbox('orphaned');
    await startOn(cluster, sandbox, SECOND_NODE);
    const writer = await startWriter(cluster, sandbox.name);
    const committed = await untilCommitted(cluster, sandbox.userId, await writer.written());
    await cluster.shell(sandbox.name, 'sleep 1; echo unsaved > unsaved.txt; sync unsaved.txt');
    const dead = worker;
    const begun = systemClock.monotonic();
    await dead.powerOff();
    await cluster.until(
      sandbox.name,
      'it runs on the other node',
      (found) => nodeOf(found) === FIRST_NODE.name,
      60_000,
    );
    process.stderr.write(`Ready on the other node after ${Math.round((systemClock.monotonic() - begun) / 1000)} s\n`);
    const head = await withRestoredHead(cluster, workspacePrefix(sandbox.userId), readWriterState);
    expect(holdsAllOf(head, committed)).toBe(true);
    const sequence = ({ status }: Workspace): number => status?.head?.sequence ?? 0;
    const restored = sequence(await cluster.workspaceUntil(sandbox.userId, 'it is there', () => true));
    expect(Number(await cluster.shell(sandbox.name, 'echo alive > note.txt; stat -c %s writer/log')) / 9).toBe(
      head.last,
    );
    await cluster.workspaceUntil(sandbox.userId, 'the note is saved', (found) => sequence(found) > restored);
    const [life, before] = [await lifeOf(cluster, sandbox), await objectsOf(cluster, sandbox.userId)];

    worker = await installations.restart(dead);
    await joinCluster(machine, worker, installations.current.checkout);
    const after = await eventually(
      'the node that came back has stored what it had not committed',
      async () => {
        const now = await objectsOf(cluster, sandbox.userId);
        return [...now.keys()].some((key) => key.startsWith('.ws/conflicts/')) ? now : undefined;
      },
      { deadlineMs: 120_000, everyMs: 1000, signal: cluster.signal },
    );
    for (const [key, content] of before) expect([key, after.get(key)]).toEqual([key, content]);
    const added = [...after.keys()].filter((key) => !before.has(key));
    expect(added.filter((key) => !/^\.ws\/(conflicts|packs)\//.test(key))).toEqual([]);
    expect(await lifeOf(cluster, sandbox)).toEqual(life);
    expect(await cluster.shell(sandbox.name, 'cat note.txt')).toBe('alive\n');
    const manifest = added.find((key) => key.startsWith('.ws/conflicts/'));
    const prefix = workspacePrefix(sandbox.userId);
    await withRestoredHead(
      cluster,
      prefix,
      async (folder) => {
        expect(await readFile(join(folder, 'unsaved.txt'), 'utf8')).toBe('unsaved\n');
        expect(holdsAllOf(await readWriterState(folder), head)).toBe(true);
      },
      manifest,
    );
  },
);
