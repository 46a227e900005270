import pino from 'pino';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { makeActivity } from '../../src/facade/activity/activity.ts';
import type { FacadeDependencies } from '../../src/facade/dependencies.ts';
import { makeSandboxQuota } from '../../src/facade/limits/sandbox-quota.ts';
import { ProblemError } from '../../src/facade/problem.ts';
import type { FacadeContext } from '../../src/facade/request-state.ts';
import type { Route } from '../../src/facade/route.ts';
import { createRoute } from '../../src/facade/routes/sandboxes/create.ts';
import { deleteRoute } from '../../src/facade/routes/sandboxes/delete.ts';
import { heartbeatRoute } from '../../src/facade/routes/sandboxes/heartbeat.ts';
import { resumeRoute } from '../../src/facade/routes/sandboxes/resume.ts';
import { suspendRoute } from '../../src/facade/routes/sandboxes/suspend.ts';
import { updateRoute } from '../../src/facade/routes/sandboxes/update.ts';
import { makeSandboxCache } from '../../src/facade/sandbox-cache.ts';
import { isKubeError } from '../../src/kube/errors.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { makeInformer } from '../../src/runtime/informer.ts';
import type { World } from '../controller/world.ts';
import { TEST_SETTINGS } from '../facade/support/settings.ts';
import { makeModelClient } from '../support/model-api-server/client.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { NAMESPACE } from '../support/resources.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import type { Network } from './network.ts';

/** What a client was told, and what there was while it waited. */
export interface Told {
  readonly operation: Operation;
  /** Undefined where the answer did not name one. */
  readonly name: string | undefined;
  /** 0: no answer, because the process ended. */
  readonly status: number;
  /** The newest version when it asked, and when it was answered. */
  readonly asked: number;
  readonly answered: number;
}

export type Operation = 'create' | 'delete' | 'suspend' | 'resume' | 'update' | 'heartbeat';

export interface RequestOptions {
  readonly id?: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** Seconds that the client is ready to wait. */
  readonly wait?: number;
}

/** One replica: the real routes on a cache of their own, which lags by itself. Only HTTP is left out. */
export interface Facade {
  /** Resolves when it is answered. */
  readonly request: (operation: Operation, options: RequestOptions) => Promise<void>;
  /** Somebody uses the sandbox of that name, from now until the answer is called. */
  readonly use: (name: string) => () => void;
  /** The process is killed: whoever waits gets no answer. */
  readonly kill: () => Promise<void>;
}

const ROUTES: Readonly<Record<Operation, (dependencies: FacadeDependencies) => Route>> = {
  create: createRoute,
  delete: deleteRoute,
  suspend: suspendRoute,
  resume: resumeRoute,
  update: updateRoute,
  heartbeat: heartbeatRoute,
};

const silent = pino({ level: 'silent' });

export const startFacade = async (
  { api, clock }: World,
  network: Network,
  seed: number,
  tell: (told: Told) => void,
): Promise<Facade> => {
  const random = makeSeededRandom(seed);
  const kube = network.between(makeModelClient(api, { fate: network.fate, clock }), { api, clock });
  const common = { clock, random, log: makeRecordingLog() };
  const informer = makeInformer<Sandbox>({
    ...common,
    client: kube,
    type: SANDBOXES,
    selection: { namespace: NAMESPACE },
  });
  const cache = makeSandboxCache(informer, NAMESPACE);
  const shutdown = new AbortController();
  const dependencies = {
    settings: TEST_SETTINGS,
    kube,
    cache,
    quota: makeSandboxQuota(cache),
    activity: makeActivity({ kube, cache, namespace: NAMESPACE, clock, log: silent }),
    clock,
    random,
    log: silent,
    shutdown: shutdown.signal,
  } as unknown as FacadeDependencies;
  const running = informer.run(shutdown.signal);
  await informer.synced;

  const answerOf = async (operation: Operation, options: RequestOptions): Promise<Pick<Told, 'status' | 'name'>> => {
    const context = contextOf(options, shutdown.signal);
    const input = {
      params: { id: options.id ?? '' },
      query: { graceful: true },
      body: options.body,
      rawBody: options.body,
    };
    try {
      await ROUTES[operation](dependencies).handle(context, input);
      const { sandbox_id: made } = (context.body ?? {}) as { readonly sandbox_id?: string };
      return { status: context.status, name: options.id ?? made };
    } catch (error) {
      if (error instanceof ProblemError) return { status: error.problem.status, name: options.id };
      if (isKubeError(error)) return { status: error.code === 404 ? 404 : 503, name: options.id };
      if (shutdown.signal.aborted) return { status: 0, name: options.id };
      throw error;
    }
  };

  return {
    request: async (operation, options) => {
      const asked = api.history.length - 1;
      const answer = await answerOf(operation, options);
      tell({ operation, ...answer, asked, answered: api.history.length - 1 });
    },
    use: (name) => {
      const over = new AbortController();
      const sandbox = cache.get(name);
      if (sandbox !== undefined) void dependencies.activity.use(sandbox, over.signal);
      return () => over.abort();
    },
    kill: async () => {
      shutdown.abort(new Error('the facade is killed'));
      await running;
      await dependencies.activity.stop();
    },
  };
};

/** As much of Koa as the routes touch. */
const contextOf = ({ idempotencyKey, wait }: RequestOptions, signal: AbortSignal): FacadeContext => {
  const headers: Readonly<Record<string, string | undefined>> = {
    'idempotency-key': idempotencyKey,
    ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
  };
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return {
    state: {
      requestId: 'simulated',
      clientIp: '127.0.0.1',
      sshPort: null,
      caller: { kind: 'anonymous' },
      over: signal,
      signal,
      log: silent,
    },
    req: { headers: given },
    get: (name: string) => headers[name.toLowerCase()] ?? '',
    set: () => undefined,
    status: 200,
    body: undefined,
  } as unknown as FacadeContext;
};
