import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Condition } from '../../src/api/condition.ts';
import { Reason } from '../../src/api/reasons.ts';
import { isEnded, isStalled, progressConditions, standingCondition } from '../../src/domain/progress-conditions.ts';
import type { Verdict } from '../../src/domain/step.ts';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand, succeed } from '../support/e2e/command.ts';
import { render, ROOT } from './render.ts';

let folder: string;
let glua: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-health-'));
  glua = await goTool('glua');
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A value as Argo CD gives it to a script: Lua's nil for what is not there. */
const lua = (value: unknown): string => {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return `{${value.map(lua).join(',')}}`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, inner]) => `[${JSON.stringify(key)}]=${lua(inner)}`)
      .join(',')}}`;
  return JSON.stringify(value);
};

/** What the script says of each object, in one run of the interpreter. */
const healthOf = async (script: string, objects: readonly object[]) => {
  const body = await readFile(join(ROOT, 'manifests/components/argocd', script), 'utf8');
  const file = join(folder, script);
  const asks = objects.map(
    (object) => `obj = ${lua(object)}\nlocal hs = health()\nprint(hs.status .. '\\t' .. hs.message)`,
  );
  await writeFile(file, `local function health()\n${body}\nend\n${asks.map((ask) => `do\n${ask}\nend`).join('\n')}\n`);
  const { stdout } = await succeed(glua, [file], { deadlineMs: 30_000 });
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
};

const sandbox = (conditions: readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[], generation = 3) => ({
  metadata: { name: 'demo', generation },
  status: { observedGeneration: 3, conditions },
});

describe('the health of a Sandbox in Argo CD', () => {
  it('follows from every reason that Ready or Stopped can have, as the controller writes the conditions', async () => {
    const verdicts = Object.values(Reason).map((reason) => ({
      reason,
      status: reason === Reason.PodReady ? ('True' as const) : ('False' as const),
      message: 'why',
    }));
    const objects = verdicts.map((verdict) =>
      sandbox([standingCondition(verdict), ...progressConditions(verdict)].map(([type, said]) => ({ type, ...said }))),
    );
    const expected = verdicts.map((verdict) => [
      verdict.status === 'True'
        ? 'Healthy'
        : isStalled(verdict)
          ? 'Degraded'
          : isEnded(verdict)
            ? 'Suspended'
            : 'Progressing',
      `${verdict.reason}: why`,
    ]);
    expect(await healthOf('sandbox.lua', objects)).toEqual(expected);
    // The four answers are all given.
    expect(new Set(expected.map(([status]) => status)).size).toBe(4);
  });

  it('is Progressing until the controller has seen the version that was applied', async () => {
    const ready = [{ type: 'Ready', status: 'True' as const, reason: 'PodReady', message: 'ready' }];
    const unseen = [
      { metadata: { generation: 1 } },
      { metadata: { generation: 1 }, status: { observedGeneration: -1 } },
      sandbox(ready, 4),
      sandbox([]),
    ];
    expect((await healthOf('sandbox.lua', unseen)).map(([status]) => status)).toEqual(unseen.map(() => 'Progressing'));
  });
});

it('the health of a Workspace in Argo CD: usable is healthy, a conflict or a wrong name is not, unsaved changes are', async () => {
  const progress = (status: Verdict['status'], reason: Reason) =>
    progressConditions({ status, reason, message: 'm' }).map(([type, verdict]) => ({ type, ...verdict }));
  const of = (ready: readonly [Verdict['status'], Reason], saved = 'True', conflict = 'False') => ({
    metadata: { generation: 1 },
    status: {
      observedGeneration: 1,
      conditions: [
        { type: 'Ready', status: ready[0], reason: ready[1], message: 'm' },
        { type: 'Saved', status: saved, reason: 'UnsavedChanges', message: 'm' },
        { type: 'Conflict', status: conflict, reason: 'Fenced', message: 'what was not committed is kept' },
        ...progress(...ready),
      ],
    },
  });
  expect(
    await healthOf('workspace.lua', [
      of(['True', 'Available']),
      of(['True', 'InUse'], 'False'),
      of(['True', 'Available'], 'True', 'True'),
      of(['False', 'WorkspaceMismatch']),
      of(['False', 'Terminating']),
      of(['False', 'StorageUnreachable']),
      of(['False', 'RestoreRefused']),
      { metadata: { generation: 1 } },
    ]),
  ).toEqual([
    ['Healthy', 'Available: m'],
    ['Healthy', 'InUse: m'],
    ['Degraded', 'Fenced: what was not committed is kept'],
    ['Degraded', 'WorkspaceMismatch: m'],
    ['Progressing', 'Terminating: m'],
    ['Progressing', 'StorageUnreachable: m'],
    ['Degraded', 'RestoreRefused: m'],
    ['Progressing', 'the controller has not seen this version yet'],
  ]);
});

it('a script with a mistake fails here', async () => {
  const file = join(folder, 'wrong.lua');
  await writeFile(file, 'local function health() retrun end');
  expect((await runCommand(glua, [file], { deadlineMs: 30_000 })).exitCode).not.toBe(0);
});

it('the component adds both scripts to argocd-cm, under the names that Argo CD looks for', async () => {
  const [config, ...others] = await render('manifests/components/argocd');
  expect(others).toEqual([]);
  expect(config?.metadata).toEqual({
    name: 'argocd-cm',
    namespace: 'argocd',
    labels: { 'app.kubernetes.io/part-of': 'argocd' },
  });
  expect(Object.keys(config?.data ?? {}).toSorted()).toEqual([
    'resource.customizations.health.matrx.dev_Sandbox',
    'resource.customizations.health.matrx.dev_Workspace',
  ]);
}, 600_000);
