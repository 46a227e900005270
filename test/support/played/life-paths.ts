import { SANDBOX_TEMPLATES, WORKSPACES } from '../../../src/kube/resource-types.ts';
import { workspaceName } from '../../../src/api/workspace-id.ts';
import { aTemplate } from '../resources.ts';
import type { Life } from './life.ts';

/** One way through a Sandbox's life: what stands before it, what sets it off, and where it must end. `name` is unused. */
export interface LifePath {
  readonly what: string;
  readonly prepare: (life: Life, name: string) => Promise<void>;
  readonly act: (life: Life, name: string) => Promise<void>;
  readonly isOver: (life: Life, name: string) => boolean;
}

const nothing = (): Promise<void> => Promise.resolve();

const running = async (life: Life, name: string): Promise<void> => {
  await life.create(name);
  await life.until(`${name} is Ready`, () => life.isReady(name));
  await life.node.commit(name);
};

const ended = async (life: Life, name: string, how: 'Stopped' | 'Suspended'): Promise<void> => {
  await running(life, name);
  await life.want(name, how);
  await life.until(`${name} is ${how}`, isAtRest(how)(life, name));
};

/** No pod, no writer, and what was committed is the head. */
const isAtRest = (reason: string) => (life: Life, name: string) => (): boolean =>
  life.reason(name) === reason && life.pod(name) === undefined && life.workspace(name)?.status?.writer === undefined;

const removeWorkspace = (life: Life, name: string): Promise<void> =>
  life.client.delete({ type: WORKSPACES, namespace: life.namespace, name: workspaceName(name) });

const templateOf = (name: string): string => `for-${name}`;

export const LIFE_PATHS: readonly LifePath[] = [
  {
    what: 'start',
    prepare: nothing,
    act: (life, name) => life.create(name),
    isOver: (life, name) => life.isReady(name),
  },
  {
    what: 'start without a home that lasts',
    prepare: nothing,
    act: (life, name) => life.create(name, { workspace: { ephemeral: true } }),
    isOver: (life, name) => life.isReady(name),
  },
  {
    what: 'stop',
    prepare: running,
    act: (life, name) => life.want(name, 'Stopped'),
    isOver: (life, name) => isAtRest('Stopped')(life, name)(),
  },
  {
    what: 'suspend',
    prepare: running,
    act: (life, name) => life.want(name, 'Suspended'),
    isOver: (life, name) => isAtRest('Suspended')(life, name)(),
  },
  {
    what: 'resume',
    prepare: (life, name) => ended(life, name, 'Suspended'),
    act: (life, name) => life.want(name, 'Running'),
    isOver: (life, name) => life.isReady(name) && life.workspace(name)?.status?.epoch === 2,
  },
  {
    what: 'delete',
    prepare: running,
    act: (life, name) => life.remove(name),
    isOver: (life, name) => isAtRest('Deleted')(life, name)(),
  },
  {
    what: 'stop before it was ready',
    prepare: async (life, name) => {
      life.node.hold(name, 'start');
      await life.create(name);
      await life.until(`${name} has a pod that is recorded`, () => life.sandbox(name)?.status?.podUid !== undefined);
    },
    act: async (life, name) => {
      await life.want(name, 'Stopped');
      life.node.hold(name, undefined);
    },
    isOver: (life, name) => isAtRest('Stopped')(life, name)(),
  },
  {
    what: 'stop, and its pod is deleted by force',
    prepare: running,
    act: async (life, name) => {
      await life.want(name, 'Stopped');
      await life.node.snatch(name);
    },
    isOver: (life, name) => isAtRest('Stopped')(life, name)(),
  },
  {
    what: 'expire',
    prepare: running,
    act: (life, name) => life.change(name, { spec: { lifetime: { ttlSeconds: 1 } } }),
    isOver: (life, name) => isAtRest('Expired')(life, name)(),
  },
  {
    what: 'be forgotten after its retention',
    prepare: (life, name) => ended(life, name, 'Stopped'),
    act: (life, name) => life.change(name, { spec: { lifetime: { retainSeconds: 0 } } }),
    isOver: (life, name) => isAtRest('Deleted')(life, name)(),
  },
  {
    what: 'restart after its pod has failed',
    prepare: running,
    act: (life, name) => life.node.evict(name),
    isOver: (life, name) => life.isReady(name) && life.workspace(name)?.status?.epoch === 2,
  },
  {
    what: 'wait for a template that comes later',
    prepare: nothing,
    act: async (life, name) => {
      await life.create(name, { templateRef: { name: templateOf(name) } });
      await life.until('its template is missed', () => life.reason(name) === 'TemplateNotFound');
      const { metadata, ...template } = aTemplate(templateOf(name));
      await life.client.create(SANDBOX_TEMPLATES, life.namespace, { ...template, metadata: { name: metadata.name } });
    },
    isOver: (life, name) => life.isReady(name),
  },
  {
    what: 'take the workspace over from another sandbox of the user',
    prepare: async (life, name) => {
      await running(life, name);
      await life.create(`${name}-next`, { userId: name });
      await life.until('the other waits', () => life.reason(`${name}-next`) === 'WorkspaceInUse');
    },
    act: (life, name) => life.want(name, 'Stopped'),
    isOver: (life, name) =>
      life.reason(name) === 'Stopped' && life.pod(name) === undefined && life.isReady(`${name}-next`),
  },
  {
    what: 'purge of the Workspace',
    prepare: async (life, name) => {
      await ended(life, name, 'Stopped');
      const ref = { type: WORKSPACES, namespace: life.namespace, name: workspaceName(name) };
      await life.client.mergePatch(ref, { spec: { deletionPolicy: 'Purge' } });
    },
    act: removeWorkspace,
    isOver: (life, name) => life.workspace(name) === undefined && !life.node.bucket.has(workspaceName(name)),
  },
];

/** Ends whatever the path has left, so that the next one finds the namespace empty. */
export const clearAway = async (life: Life): Promise<void> => {
  for (const { metadata } of life.node.sandboxes.list()) await life.remove(metadata.name);
  await life.until('the sandboxes are gone', () => life.node.sandboxes.size() === 0 && life.node.pods.size() === 0);
  for (const { metadata } of life.node.workspaces.list()) {
    await life.client.delete({ type: WORKSPACES, namespace: life.namespace, name: metadata.name });
  }
  await life.until('the workspaces are gone', () => life.node.workspaces.size() === 0);
};
