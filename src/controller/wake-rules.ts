import type { KubeObject } from '../api/meta.ts';
import type { Pod } from '../api/pod.ts';
import { Reason } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import { standingOf } from '../api/standing.ts';
import { sameJson } from '../base/json.ts';
import type { StoreChange } from '../runtime/change.ts';
import type { Controller } from '../runtime/controller.ts';
import { enqueueOnChange } from '../runtime/enqueue-on-change.ts';
import { keyOf, objectKey } from '../runtime/object-key.ts';
import { type Caches, workspaceNamesOf } from './caches.ts';

/**
 * Milliseconds that a Workspace's own pass waits: its conditions are for people, and written at once they would collide
 * with the lock that a starting sandbox takes on the same object. Several changes make one write: of a start that goes well,
 * which is three changes within 600 ms.
 */
const CONDITIONS_DELAY_MS = 1_000;

/**
 * Which change wakes which pass. A child wakes its Sandbox; a Workspace wakes every Sandbox that uses or waits for it;
 * a template those that miss it. What the controller itself writes (a status, conditions) wakes nobody.
 */
export const wireWakeRules = (
  caches: Caches,
  sandboxController: Pick<Controller, 'enqueue'>,
  workspaceController: Pick<Controller, 'enqueue'>,
): void => {
  const { sandboxes, workspaces, templates, pods } = caches;
  const keys = (objects: readonly KubeObject[]): readonly string[] => objects.map(objectKey);
  const usersOf = (workspace: Workspace): readonly string[] =>
    keys(sandboxes.store.byIndex('workspace', workspace.metadata.name));

  enqueueOnChange(sandboxes, sandboxController, { keysOf: (sandbox) => [objectKey(sandbox)], when: isAsked });
  enqueueOnChange(pods, sandboxController, { keysOf: (pod: Pod) => [objectKey(pod)] });
  enqueueOnChange(workspaces, sandboxController, { keysOf: usersOf, when: isNews });
  enqueueOnChange(templates, sandboxController, {
    keysOf: (template) => keys(sandboxes.store.byIndex('template', template.metadata.name).filter(missesTemplate)),
  });

  const later: Pick<Controller, 'enqueue'> = {
    enqueue: (key, options) => workspaceController.enqueue(key, { ...options, afterMs: CONDITIONS_DELAY_MS }),
  };
  enqueueOnChange(workspaces, later, { keysOf: (workspace) => [objectKey(workspace)], when: isNews });
  // A lock is orphaned when its Sandbox is gone, and free when that one's pod is gone too.
  enqueueOnChange(sandboxes, later, {
    keysOf: (sandbox: Sandbox) => workspaceNamesOf(sandbox).map((name) => keyOf(sandbox.metadata.namespace, name)),
    when: ({ kind }) => kind === 'deleted',
  });
  enqueueOnChange(pods, later, {
    keysOf: (pod: Pod) => keys(workspaces.store.byIndex('writer', pod.metadata.name)),
    when: ({ kind }) => kind === 'deleted',
  });
};

/** Anything but the status, which is the controller's own. */
const isAsked = (change: StoreChange<Sandbox>): boolean =>
  change.kind !== 'updated' || !sameJson(asked(change.object), asked(change.old));

const asked = ({ metadata }: Sandbox): unknown => {
  const { generation, deletionTimestamp, finalizers = [], annotations = {} } = metadata;
  return [generation, deletionTimestamp, finalizers, annotations];
};

/** Anything but the conditions, which are the controller's own. */
const isNews = (change: StoreChange<Workspace>): boolean =>
  change.kind !== 'updated' || !sameJson(told(change.object), told(change.old));

const told = ({ metadata, status }: Workspace): unknown => {
  const { conditions: _conditions, observedGeneration: _observed, ...rest } = status ?? {};
  const { generation, deletionTimestamp, finalizers = [] } = metadata;
  return [generation, deletionTimestamp, finalizers, rest];
};

/** A change of the template may be what a sandbox that does not run waits for. */
const WAIT_FOR_TEMPLATE: readonly string[] = [
  Reason.TemplateNotFound,
  Reason.OverrideNotAllowed,
  Reason.AllowListRefused,
  Reason.PodRefused,
  Reason.UserNamespacesUnavailable,
  // These have a pod, that another may take the place of.
  Reason.Unschedulable,
  Reason.ImagePullFailed,
  Reason.ContainerFailing,
];

const missesTemplate = (sandbox: Sandbox): boolean => {
  const ready = standingOf(sandbox.status?.conditions);
  return ready === undefined || WAIT_FOR_TEMPLATE.includes(ready.reason);
};
