import type { KubeObject } from '../../../src/api/meta.ts';
import type { Pod } from '../../../src/api/pod.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Random } from '../../../src/base/random.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { NAMESPACES, NETWORK_POLICIES, PODS } from '../../../src/kube/resource-types.ts';
import { makeController } from '../../../src/runtime/controller.ts';
import { enqueueOnChange } from '../../../src/runtime/enqueue-on-change.ts';
import { makeInformer } from '../../../src/runtime/informer.ts';
import type { RuntimeLog } from '../../../src/runtime/log.ts';
import type { Part } from '../../../src/runtime/manager.ts';
import { controllersPart, informersPart } from '../../../src/runtime/parts.ts';
import type { NetworkPolicy, PolicyState } from './objects.ts';
import { isSamePod, policyPods, slimPod } from './policy-pod.ts';

export interface EnforcerDeps {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  /** The rules for what is observed, as text. */
  readonly rules: (state: PolicyState) => string;
  /** Puts rules into force, in place of those before, wholly or not at all. */
  readonly load: (rules: string, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds after which rules that could not be loaded are tried again; then twice as many, and so on. */
const RETRY = Object.freeze({ baseMs: 200, maxMs: 10_000 });
/** All changes that come while rules are loaded are answered by one load. */
const KEY = 'rules';

/**
 * Keeps the rules in force that the cluster's NetworkPolicies ask for. Nothing is loaded before all of the cluster is
 * known: after a restart the rules of the process before hold until then.
 */
export const enforcerParts = (deps: EnforcerDeps): readonly Part[] => {
  const { log, rules, load } = deps;
  const pods = makeInformer<Pod>({ ...deps, type: PODS, transform: slimPod });
  const namespaces = makeInformer<KubeObject>({ ...deps, type: NAMESPACES });
  const policies = makeInformer<NetworkPolicy>({ ...deps, type: NETWORK_POLICIES });
  let inForce: string | undefined;

  const controller = makeController({
    ...deps,
    name: 'network-policy',
    workers: 1,
    passTimeoutMs: 30_000,
    backoff: RETRY,
    reconcile: async (_key, { signal }) => {
      const state: PolicyState = {
        pods: policyPods(pods.store.list()),
        namespaces: namespaces.store
          .list()
          .map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
        policies: policies.store.list(),
      };
      const wanted = rules(state);
      if (wanted === inForce) return { kind: 'done' };
      // Half-loaded rules do not exist, but whether a load that failed took hold is not known.
      inForce = undefined;
      await load(wanted, signal);
      inForce = wanted;
      log.info({ pods: state.pods.length, policies: state.policies.length }, 'rules are in force');
      return { kind: 'done' };
    },
  });
  const keysOf = (): readonly string[] => [KEY];
  enqueueOnChange(pods, controller, {
    keysOf,
    when: (change) => change.kind !== 'updated' || !isSamePod(change.old, change.object),
  });
  enqueueOnChange(namespaces, controller, { keysOf });
  enqueueOnChange(policies, controller, { keysOf });
  // A cluster without pods or policies has rules too.
  controller.enqueue(KEY);
  return [informersPart([pods, namespaces, policies]), controllersPart([controller], 5000)];
};
