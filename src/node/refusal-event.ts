import { createHash } from 'node:crypto';
import type { KubeObject } from '../api/meta.ts';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import type { PodIdentity } from '../api/token-review.ts';
import type { Clock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { EVENTS } from '../kube/resource-types.ts';
import type { Log } from '../telemetry/log.ts';
import type { RefusalReason } from './publish-verdict.ts';

/** Tells people, on the pod itself, why it does not get a workspace. Never fails: the refusal stands without it. */
export type RecordRefusal = (
  identity: PodIdentity,
  refusal: { readonly reason: RefusalReason; readonly message: string },
) => Promise<void>;

export const makeRecordRefusal =
  (deps: {
    readonly kube: Pick<KubeClient, 'create'>;
    readonly clock: Clock;
    readonly log: Log;
    readonly node: string;
  }): RecordRefusal =>
  async (identity, refusal) => {
    deps.log.warn({ ...identity, ...refusal }, 'volume refused');
    // kubelet repeats the call for as long as the pod exists: the same refusal has the same name and is written once.
    const key = createHash('sha256').update(`${identity.podUid} ${refusal.reason}`).digest('hex').slice(0, 16);
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${identity.pod}.${key}`.slice(-253), namespace: identity.namespace },
      eventTime: new Date(deps.clock.now()).toISOString().replace('Z', '000Z'),
      reportingController: CSI_DRIVER_NAME,
      reportingInstance: deps.node,
      action: 'Publish',
      type: 'Warning',
      reason: refusal.reason,
      note: refusal.message.slice(0, 1000),
      regarding: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: identity.pod,
        namespace: identity.namespace,
        uid: identity.podUid,
      },
    };
    try {
      await deps.kube.create<KubeObject>(EVENTS, identity.namespace, event);
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) deps.log.warn({ err: error }, 'cannot record the refusal');
    }
  };
