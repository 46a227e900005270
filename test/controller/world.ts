import { type Condition, findCondition } from '../../src/api/condition.ts';
import { standingOf } from '../../src/api/standing.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { makeControllers } from '../../src/controller/make-controllers.ts';
import type { Installation } from '../../src/domain/observed.ts';
import type { EventRecord } from '../../src/runtime/event-object.ts';
import type { Rules } from '../../src/controller/reconcile.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { makeNode, type ModelNode } from '../domain/model/node.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { type ApiServer, makeApiServer, NOW } from '../support/model-api-server/api-server.ts';
import {
  type AppliedWrite,
  makeModelClient,
  type ModelClient,
  type WriteFate,
} from '../support/model-api-server/client.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { aTemplate, NAMESPACE, type SandboxBuilder } from '../support/resources.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

/** The real controllers over a model of API server, kubelet and node driver, in virtual time. */
export interface World {
  readonly api: ApiServer;
  readonly node: ModelNode;
  /** Of the controller process that runs now. */
  readonly client: () => ModelClient;
  /** Reasons of the events so far, each with what it is about. */
  readonly events: readonly string[];
  readonly create: (sandbox: SandboxBuilder) => void;
  readonly sandbox: (name: string) => Sandbox | undefined;
  readonly workspace: (name: string) => Workspace | undefined;
  readonly ready: (name: string) => Condition | undefined;
  /** Ready or, at rest, Stopped. */
  readonly standing: (name: string) => Condition | undefined;
  readonly want: (name: string, desiredState: Sandbox['spec']['desiredState']) => void;
  readonly lifetime: (name: string, lifetime: Partial<Sandbox['spec']['lifetime']>) => void;
  readonly annotate: (name: string, annotations: Readonly<Record<string, string>>) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly clock: VirtualClock;
  /** Lets controllers and node work until `holds`, for at most so many virtual seconds; throws with the state at the end. */
  readonly until: (what: string, holds: () => boolean, seconds?: number) => Promise<void>;
  /**
   * Lets nodes and controllers do what is due, and moves time to the next thing that somebody waits for, at most so far.
   * Answers how many milliseconds that were.
   */
  readonly turn: (mostMs: number) => Promise<number>;
  /** Lets them work for so many virtual seconds. */
  readonly run: (seconds: number) => Promise<void>;
  /** The controller process ends, however it is, and a new one starts with empty caches, so many virtual seconds later. */
  readonly restart: (seconds?: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface WorldOptions {
  readonly seed?: number;
  /** What becomes of each write of a controller: see ModelClient. */
  readonly fate?: () => WriteFate;
  readonly installation?: Installation;
  /** Between the controllers and the API server: a network that lags, or a fault of the executor's. */
  readonly between?: (client: ModelClient, deps: NetworkDeps) => KubeClient;
  /** What decides in place of the domain's own rules. */
  readonly rules?: Rules;
  readonly tracer?: Tracer;
  /** Told of each write of a controller that was applied. */
  readonly onWrite?: (write: AppliedWrite) => void;
  /** The scheduler, the kubelets and the node drivers; played from end to end unless given. */
  readonly makeNode?: (deps: NetworkDeps) => ModelNode;
}

export interface NetworkDeps {
  readonly api: ApiServer;
  readonly clock: VirtualClock;
}

export const makeWorld = async (options: WorldOptions = {}): Promise<World> => {
  const { seed = 7, fate, installation = {}, between = (client) => client, rules, onWrite } = options;
  const clock = makeVirtualClock(NOW);
  const api = makeApiServer(clock.now);
  const node = options.makeNode?.({ api, clock }) ?? makeNode(api);
  const log = makeRecordingLog();
  const events: string[] = [];
  api.create('templates', aTemplate('default'));

  const startProcess = async () => {
    const client = makeModelClient(api, { fate, clock, ...(onWrite === undefined ? {} : { onWrite }) });
    const { caches, controllers } = makeControllers({
      client: between(client, { api, clock }),
      ...(rules === undefined ? {} : { rules }),
      namespace: NAMESPACE,
      workers: 2,
      installation,
      events: {
        record: ({ regarding, reason }: EventRecord) => void events.push(`${regarding.metadata.name}: ${reason}`),
      },
      clock,
      random: makeSeededRandom(seed),
      log,
      ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
    });
    const stopping = new AbortController();
    const informers = [caches.sandboxes, caches.workspaces, caches.templates, caches.pods, caches.nodes];
    const running = Promise.all(informers.map((informer) => informer.run(stopping.signal)));
    await Promise.all(informers.map(({ synced }) => synced));
    for (const controller of controllers) controller.start();
    const end = async (): Promise<void> => {
      const stopped = Promise.all(controllers.map((controller) => controller.stop(0)));
      await clock.advance(1);
      await stopped;
      stopping.abort();
      await running;
    };
    return { client, end };
  };
  let process = await startProcess();

  const second = async (): Promise<void> => {
    for (const name of namesIn(api, node)) node.step(name);
    await clock.advance(1_000);
  };
  const until: World['until'] = async (what, holds, seconds = 600) => {
    for (let waited = 0; waited < seconds; waited++) {
      if (holds()) return;
      await second();
    }
    if (holds()) return;
    const { sandboxes, workspaces, pods } = api.newest();
    const state = JSON.stringify([...sandboxes.values(), ...workspaces.values(), ...pods.values()], undefined, 1);
    throw new Error(
      `not within ${seconds} virtual seconds: ${what}\n${state}\n${JSON.stringify(log.lines.slice(-20))}`,
    );
  };
  const sandbox: World['sandbox'] = (name) => api.newest().sandboxes.get(name);

  return {
    api,
    node,
    client: () => process.client,
    events,
    create: (builder) => api.create('sandboxes', builder.build()),
    sandbox,
    workspace: (name) => api.newest().workspaces.get(name),
    ready: (name) => findCondition(sandbox(name)?.status?.conditions, 'Ready'),
    standing: (name) => standingOf(sandbox(name)?.status?.conditions),
    want: (name, desiredState) =>
      api.update('sandboxes', name, (before) => ({ ...before, spec: { ...before.spec, desiredState } })),
    lifetime: (name, lifetime) =>
      api.update('sandboxes', name, ({ spec, ...before }) => ({
        ...before,
        spec: { ...spec, lifetime: { ...spec.lifetime, ...lifetime } },
      })),
    annotate: (name, annotations) =>
      api.update('sandboxes', name, ({ metadata, ...before }) => ({
        ...before,
        metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
      })),
    now: clock.now,
    clock,
    until,
    turn: async (mostMs) => {
      await clock.advance(0);
      let moved = false;
      for (const name of namesIn(api, node)) moved = node.step(name) || moved;
      const ms = moved ? 1 : Math.max(1, Math.min(mostMs, clock.pending()[0] ?? mostMs));
      await clock.advance(ms);
      return ms;
    },
    run: async (seconds) => {
      for (let passed = 0; passed < seconds; passed++) await second();
    },
    restart: async (seconds = 0) => {
      await process.end();
      for (let passed = 0; passed < seconds; passed++) await second();
      process = await startProcess();
    },
    stop: () => process.end(),
  };
};

/** A pod goes on without its Sandbox until it is collected, and a home without its pod until it is saved. */
const namesIn = (api: ApiServer, node: ModelNode): ReadonlySet<string> =>
  new Set([...api.newest().sandboxes.keys(), ...api.newest().pods.keys(), ...node.homes()]);
