import {
  ANNOTATION_LAST_ACTIVITY,
  ANNOTATION_LAST_HEARTBEAT,
  ANNOTATION_NEW_RUN,
  GROUP_VERSION,
} from '../../../src/api/names.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { aSandbox, aTemplate } from '../../support/resources.ts';
import { type ApiServer, makeApiServer } from '../../support/model-api-server/api-server.ts';
import { ignoreRefusal } from '../../support/model-api-server/refused.ts';
import { reconcileSandbox, reconcileWorkspace, writes } from './controller.ts';
import { makeNode, type ModelNode, NODE_NAMES } from './node.ts';

/** Three sandboxes, two of them of one user, the third with a home of its own that is thrown away. */
export const NAMES = ['first', 'second', 'ephemeral'] as const;
export type Name = (typeof NAMES)[number];

export interface ModelCluster {
  readonly api: ApiServer;
  readonly node: ModelNode;
  /** What a user does; what the API server refuses changes nothing. */
  readonly user: {
    readonly create: (name: Name) => void;
    readonly want: (name: Name, desiredState: Sandbox['spec']['desiredState']) => void;
    readonly lifetime: (name: Name, lifetime: Partial<Sandbox['spec']['lifetime']>) => void;
    readonly heartbeat: (name: Name) => void;
    /** A facade writes down that somebody uses it. */
    readonly use: (name: Name) => void;
    /** Asks for a new run, if the lifetime of this one is over. */
    readonly newRun: (name: Name) => void;
    readonly delete: (name: Name) => void;
  };
  /** Lets controller and node work on fresh caches until neither has anything to do, not even ten minutes later. Rounds taken. */
  readonly settle: () => number;
}

const MOST_ROUNDS = 200;

export const makeModelCluster = (): ModelCluster => {
  const api = makeApiServer();
  const node = makeNode(api);
  api.create('templates', aTemplate('default'));

  const round = (): boolean => {
    const sandboxWrites = NAMES.flatMap((name) => writes(reconcileSandbox(api, name)));
    const workspaceWrites = [...api.newest().workspaces.keys()].flatMap((name) =>
      writes(reconcileWorkspace(api, name)),
    );
    const steps = NAMES.filter((name) => node.step(name));
    return sandboxWrites.length + workspaceWrites.length + steps.length > 0;
  };

  const annotate = (name: Name, annotation: string, text: string): void =>
    ignoreRefusal(() =>
      api.update('sandboxes', name, (sandbox) => ({
        ...sandbox,
        metadata: { ...sandbox.metadata, annotations: { ...sandbox.metadata.annotations, [annotation]: text } },
      })),
    );

  return {
    api,
    node,
    user: {
      create: (name) => ignoreRefusal(() => api.create('sandboxes', newSandbox(name))),
      want: (name, desiredState) =>
        ignoreRefusal(() =>
          api.update('sandboxes', name, (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState } })),
        ),
      lifetime: (name, lifetime) =>
        ignoreRefusal(() =>
          api.update('sandboxes', name, ({ spec, ...sandbox }) => ({
            ...sandbox,
            spec: { ...spec, lifetime: { ...spec.lifetime, ...lifetime } },
          })),
        ),
      heartbeat: (name) => annotate(name, ANNOTATION_LAST_HEARTBEAT, new Date(api.now()).toISOString()),
      use: (name) => annotate(name, ANNOTATION_LAST_ACTIVITY, new Date(api.now()).toISOString()),
      newRun: (name) => annotate(name, ANNOTATION_NEW_RUN, String(api.history.length)),
      delete: (name) => ignoreRefusal(() => api.delete('sandboxes', name)),
    },
    settle: () => {
      node.bucket.reachable = true;
      for (const name of NODE_NAMES) node.returns(name);
      for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
        if (round()) continue;
        // Past every restart delay, and past whatever else is due by then.
        api.tick(600_000);
        if (!round()) return rounds;
      }
      throw new Error(`nothing is settled after ${MOST_ROUNDS} rounds`);
    },
  };
};

const newSandbox = (name: Name): Sandbox => ({
  ...aSandbox(name)
    .ofUser('ann')
    .inWorkspace({ ephemeral: name === 'ephemeral' })
    .build(),
  apiVersion: GROUP_VERSION,
});
