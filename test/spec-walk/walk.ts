import type { Condition } from '../../src/api/condition.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import { sameJson, type Json } from '../../src/base/json.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { makeWorld, type World } from '../controller/world.ts';
import { must } from '../domain/model/broken.ts';
import { conditionOf } from '../domain/model/honesty.ts';
import { kstatus } from '../support/kstatus.ts';
import type { ModelClient } from '../support/model-api-server/client.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import type { Field, Kind } from '../support/spec-walk/fields.ts';
import { namesField } from '../support/spec-walk/names-field.ts';
import { setField } from '../support/spec-walk/set-field.ts';
import { type Refusal, refusalsOf } from '../support/spec-walk/admission.ts';
import { BASES, type Base } from './bases.ts';
import { makeChoosyNode } from './choosy-node.ts';

export interface Change {
  readonly field: Field;
  /** Undefined: it is taken out. */
  readonly value: Json | undefined;
}

/** How a walk came out: what the changes ended in, once a pod was made of them. */
export type Outcome = 'refused' | 'unchanged' | 'Current' | 'Stalled' | 'Gone';

const NAME = 'demo';
const PLURALS = { Sandbox: 'sandboxes', Workspace: 'workspaces', SandboxTemplate: 'templates' } as const;
const NAMES: Readonly<Record<Kind, string>> = { Sandbox: NAME, Workspace: 'ann', SandboxTemplate: 'default' };
/** Longer than any deadline of a spec. */
const LONGEST_SECONDS = 90_000;
/** Longer than a sandbox remembers that its pod has failed. */
const FORGIVEN_SECONDS = 1_800;
const REST_SECONDS = 1_200;

/**
 * Starts a Sandbox, changes fields while it runs, has a pod made of them, and puts them back. Throws what is not as it
 * should be: the API server refuses the change and names the field, or what comes of it is Current, or is Stalled and names
 * the field, its sandbox undisturbed until the next pod; once it is as before, so is everything else, and nothing is
 * written any more.
 */
export const walk = async (changes: readonly Change[], base: Base = 'minimal'): Promise<Outcome> => {
  const rest = changes.filter((change) => !isRefused(base, change));
  if (rest.length === 0) return 'refused';
  const world = await makeWorld({ makeNode: makeChoosyNode, between: admitPods });
  try {
    return await walkIn(world, rest, base);
  } finally {
    await world.stop();
  }
};

const walkIn = async (world: World, changes: readonly Change[], base: Base): Promise<Outcome> => {
  world.api.update('templates', 'default', (template) => ({ ...template, spec: BASES[base].SandboxTemplate as never }));
  world.api.create('templates', aTemplate('other'));
  world.create(aSandbox(NAME).with(BASES[base].Sandbox as never));
  await settle(world, [], ({ ready }) => ready === 'True', 'the sandbox does not start');
  world.node.write(NAME);
  await settle(world, [], ({ ready }) => ready === 'True', 'the sandbox does not run');
  setSpec(world, 'Workspace', BASES[base].Workspace);
  const before = specs(world);
  const podUid = world.sandbox(NAME)?.status?.podUid;
  if (!applied(world, changes)) return 'refused';
  if (sameJson(specs(world), before)) return 'unchanged';
  await settle(world, changes, isSettled, 'a change while it runs comes to nothing');
  const running = world.sandbox(NAME);
  const isUndisturbed =
    running === undefined || running.status?.podUid === podUid || changes.some(({ field }) => mayEnd(field));
  must(isUndisturbed, 'a change of the next pod disturbs this one', running?.status);
  if (world.api.newest().pods.has(NAME)) world.api.delete('pods', NAME);
  const outcome = await settle(world, changes, isSettled, 'a pod of the change comes to nothing');
  if (outcome === 'Gone') return outcome;
  await putBack(world, before, changes);
  return outcome;
};

/** What ends a sandbox by itself; anything else leaves a running one alone. */
const mayEnd = ({ path }: Field): boolean => path === 'spec.desiredState' || path.startsWith('spec.lifetime.');

const putBack = async (world: World, before: Specs, changes: readonly Change[]): Promise<void> => {
  for (const kind of Object.keys(PLURALS) as Kind[]) setSpec(world, kind, before[kind]);
  // What ended by itself, and not because time was over, goes on as a new run alone.
  if (world.sandbox(NAME)?.status?.run?.ended !== undefined) world.annotate(NAME, { [ANNOTATION_NEW_RUN]: 'again' });
  await settle(
    world,
    changes,
    ({ verdict, ready }) => verdict === 'Current' && ready === 'True',
    'it does not recover',
  );
  await run(world, world.sandbox(NAME)?.status?.trouble === undefined ? 60 : FORGIVEN_SECONDS, 300);
  const writes = world.client().writes.length;
  await run(world, REST_SECONDS, 300);
  must(
    world.client().writes.length === writes,
    'it is put right, and does not rest',
    world.client().writes.slice(writes),
  );
  must(verdictOf(world, []) === 'Current', 'it recovers, and does not stay so', world.sandbox(NAME)?.status);
};

interface Seen {
  readonly verdict: Outcome | 'InProgress' | 'unnamed';
  readonly ready: string | undefined;
}

const isSettled = ({ verdict }: Seen): boolean => verdict !== 'InProgress' && verdict !== 'unnamed';

/** Lets time pass until `holds`, and still does a minute later. */
const settle = async (
  world: World,
  changes: readonly Change[],
  holds: (seen: Seen) => boolean,
  otherwise: string,
): Promise<Outcome> => {
  const look = (): Seen => ({ verdict: verdictOf(world, changes), ready: readyOf(world) });
  for (let passed = 0; passed < LONGEST_SECONDS;) {
    passed += await run(world, 30);
    const seen = look();
    if (holds(seen)) {
      await run(world, 60);
      if (holds(look())) return look().verdict as Outcome;
    }
  }
  must(false, otherwise, [changes, look(), world.sandbox(NAME)?.status, world.workspace('ann')?.status]);
  return 'refused';
};

/** kubelet's next restart is awaited by nobody else: at most so many seconds at a time. */
const run = async (world: World, seconds: number, step = 30): Promise<number> => {
  for (let ms = 0; ms < seconds * 1000;) ms += await world.turn(Math.min(step, seconds) * 1000);
  return seconds;
};

const readyOf = (world: World): string | undefined => {
  const sandbox = world.sandbox(NAME);
  return sandbox === undefined ? undefined : conditionOf(sandbox, 'Ready')?.status;
};

/** Of all objects together: the worst. */
const verdictOf = (world: World, changes: readonly Change[]): Seen['verdict'] => {
  const sandbox = world.sandbox(NAME);
  if (sandbox === undefined) return 'Gone';
  const workspace = world.workspace('ann');
  const verdicts = [sandbox, ...(workspace === undefined ? [] : [workspace])].map((object) => verdict(object, changes));
  return (['unnamed', 'InProgress', 'Stalled'] as const).find((one) => verdicts.includes(one)) ?? 'Current';
};

interface Judged extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number | undefined;
    readonly conditions?: readonly Condition[] | undefined;
  };
}

const verdict = (object: Judged, changes: readonly Change[]): Seen['verdict'] => {
  const { conditions = [] } = object.status ?? {};
  const status = kstatus(object);
  if (status === 'Failed') {
    const message = conditions.find(({ type }) => type === 'Stalled')?.message ?? '';
    return changes.some(({ field }) => namesField(message, field, NAMES[field.kind])) ? 'Stalled' : 'unnamed';
  }
  return status === 'Current' ? 'Current' : 'InProgress';
};

type Specs = Readonly<Record<Kind, Json>>;

const specOf = (world: World, kind: Kind): Json =>
  (world.api.newest()[PLURALS[kind]].get(NAMES[kind]) as unknown as { readonly spec: Json }).spec;
const specs = (world: World): Specs => ({
  Sandbox: specOf(world, 'Sandbox'),
  Workspace: specOf(world, 'Workspace'),
  SandboxTemplate: specOf(world, 'SandboxTemplate'),
});
const setSpec = (world: World, kind: Kind, spec: Json): void =>
  world.api.update(PLURALS[kind], NAMES[kind], (object) => ({ ...object, spec: spec as never }));

const isRefused = (base: Base, change: Change): boolean => {
  const { field, value } = change;
  const spec = BASES[base][field.kind];
  const refusals = refusalsOf(field.kind, setField(spec, field, value), spec);
  if (refusals.length === 0) return false;
  must(
    refusals.some((refusal) => isAbout(refusal, field.path)),
    'it is refused, and another field is named',
    [change, refusals],
  );
  return true;
};

/** False: the changes are each taken by themselves, and together they are not. */
const applied = (world: World, changes: readonly Change[]): boolean => {
  for (const { field, value } of changes) {
    const before = specOf(world, field.kind);
    const next = setField(before, field, value);
    if (refusalsOf(field.kind, next, before).length > 0) return false;
    setSpec(world, field.kind, next);
  }
  return true;
};

/** It names the field, what that is in, or, where two of one object do not go together, the other. */
const isAbout = ({ field, within = field }: Refusal, path: string): boolean =>
  [field, within].some((named) => {
    const [a, b] = [named.replaceAll(/\[\d*\]/gu, ''), path.replaceAll('[]', '')];
    return a === b || (a !== 'spec' && b.startsWith(`${a}.`));
  });

/** The API server's own admission: it looks for the RuntimeClass of a pod. */
const admitPods = (client: ModelClient): KubeClient => ({
  ...client,
  create: (type, namespace, object, options) => {
    const runtime = (object as { readonly spec?: { readonly runtimeClassName?: string } }).spec?.runtimeClassName;
    if (type.plural === 'pods' && runtime !== undefined && runtime !== 'gvisor') {
      const message = `pods "${object.metadata.name}" is forbidden: pod rejected: RuntimeClass "${runtime}" not found`;
      return Promise.reject(new KubeError('Forbidden', message, { code: 403 }));
    }
    return client.create(type, namespace, object, options);
  },
});
