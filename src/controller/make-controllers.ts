import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { noTracer, type Tracer } from '../base/tracer.ts';
import type { Installation } from '../domain/observed.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Controller, makeController } from '../runtime/controller.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { RuntimeLog } from '../runtime/log.ts';
import type { RuntimeMetrics } from '../runtime/metrics.ts';
import { type Caches, makeCaches } from './caches.ts';
import { makeSandboxReconcile, makeWorkspaceReconcile, type Rules } from './reconcile.ts';
import { traceSandboxPasses, traceWorkspacePasses } from './trace-passes.ts';
import { wakeOnNodes } from './wake-on-nodes.ts';
import { wireWakeRules } from './wake-rules.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Sandboxes worked on at a time. */
  readonly workers: number;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly installation?: Installation;
  /** What decides; the domain's own rules unless given. */
  readonly rules?: Rules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
  /** Off unless given. */
  readonly tracer?: Tracer;
}

export interface Controllers {
  readonly caches: Caches;
  readonly controllers: readonly Controller[];
}

/** The product's controllers over their caches, wired and not yet started. */
export const makeControllers = (options: ControllersOptions): Controllers => {
  const { workers, ...deps } = options;
  const { tracer = noTracer } = deps;
  const caches = makeCaches(deps);
  const reconcileDeps = { ...deps, caches };
  const sandboxes = makeController({
    ...deps,
    name: 'sandbox',
    reconcile: traceSandboxPasses(tracer, caches, makeSandboxReconcile(reconcileDeps)),
    workers,
  });
  const workspaces = makeController({
    ...deps,
    name: 'workspace',
    reconcile: traceWorkspacePasses(tracer, caches, makeWorkspaceReconcile(reconcileDeps)),
    workers: 2,
  });
  wireWakeRules(caches, sandboxes, workspaces);
  wakeOnNodes(caches, sandboxes, workspaces);
  return { caches, controllers: [sandboxes, workspaces] };
};
