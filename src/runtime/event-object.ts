import { shortened } from '../base/shortened.ts';
import type { KubeObject } from '../kube/client.ts';

/** What happened to an object. */
export interface EventRecord {
  /** With apiVersion, kind and uid: `kubectl describe` finds an event by them. */
  readonly regarding: KubeObject;
  readonly type: 'Normal' | 'Warning';
  /** Why, in CamelCase, from a closed set. */
  readonly reason: string;
  /** What the controller did or tried, in CamelCase: `CreatePod`. */
  readonly action: string;
  /** For people; cut at 1024 characters, the API's limit. */
  readonly note: string;
}

export interface EventSource {
  readonly reportingController: string;
  readonly reportingInstance: string;
}

const MAX_NOTE = 1024;
const MAX_INSTANCE = 128;
const MAX_NAME = 253;

/** Two records with the same key are the same event, once more. */
export const seriesKey = (event: EventRecord): string =>
  JSON.stringify([objectId(event.regarding), event.type, event.reason, event.action, event.note]);

/** The object's uid, or its name where it has none yet. */
export const objectId = ({ kind, metadata }: KubeObject): string =>
  metadata.uid ?? `${kind}/${metadata.namespace}/${metadata.name}`;

/** The events.k8s.io/v1 object. An event lives in its object's namespace, or in `default` where that has none. */
export const eventObject = (
  event: EventRecord,
  source: EventSource,
  { eventTime, suffix }: { readonly eventTime: string; readonly suffix: string },
): KubeObject & Readonly<Record<string, unknown>> => {
  const { apiVersion, kind, metadata } = event.regarding;
  const { name, uid, resourceVersion } = metadata;
  const namespace = metadata.namespace ?? 'default';
  return {
    metadata: { name: `${name.slice(0, MAX_NAME - suffix.length - 1)}.${suffix}`, namespace },
    eventTime,
    reportingController: source.reportingController,
    reportingInstance: source.reportingInstance.slice(0, MAX_INSTANCE),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: shortened(event.note, MAX_NOTE),
    regarding: {
      apiVersion,
      kind,
      name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  };
};
