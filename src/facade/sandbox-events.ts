import { z } from 'zod';
import type { KubeObject } from '../api/meta.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { EVENTS } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { Time } from './representation.ts';

/** events.k8s.io/v1, what is read of it. The deprecated fields are those that kubelet still writes. */
export interface KubeEvent extends KubeObject {
  readonly eventTime?: string | null;
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly reportingController?: string;
  readonly regarding?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string } | null;
  readonly deprecatedSource?: { readonly component?: string };
  readonly deprecatedFirstTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly deprecatedCount?: number;
}

export const SandboxEvent = z
  .object({
    first_at: Time,
    last_at: Time,
    count: z.int().min(1),
    type: z.enum(['Normal', 'Warning']),
    reason: z.string(),
    message: z.string(),
    object: z.enum(['Sandbox', 'Pod']).describe('What it happened to.'),
    source: z.string(),
  })
  .meta({ id: 'SandboxEvent' });
export type SandboxEvent = Readonly<z.infer<typeof SandboxEvent>>;

const PAGE = 500;
/** A sandbox that fails for an hour has fewer. */
const MAX_PAGES = 4;

/** What happened to a Sandbox and its pods, the oldest first. Kubernetes forgets events after an hour. */
export const sandboxEvents = async (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<readonly SandboxEvent[]> => {
  const { name } = sandbox.metadata;
  const found: KubeEvent[] = [];
  let next: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const selection = { namespace: settings.namespace, fieldSelector: `regarding.name=${name}`, limit: PAGE };
    const list = await kube.list<KubeEvent>(
      EVENTS,
      { ...selection, ...(next === undefined ? {} : { continue: next }) },
      { signal },
    );
    found.push(...list.items);
    next = list.continue;
    if (next === undefined) break;
  }
  return found
    .filter((event) => isAbout(event, sandbox))
    .map(representEvent)
    .sort((a, b) => Date.parse(a.last_at) - Date.parse(b.last_at));
};

/** The pod of a Sandbox has its name. What happened to a pod of that name before there was this Sandbox is another's. */
const isAbout = (event: KubeEvent, { metadata }: Sandbox): boolean => {
  const { kind, uid } = event.regarding ?? {};
  if (kind === 'Sandbox') return uid === metadata.uid;
  return kind === 'Pod' && Date.parse(lastTime(event)) >= Date.parse(metadata.creationTimestamp ?? '');
};

const lastTime = ({ series, deprecatedLastTimestamp, eventTime, metadata }: KubeEvent): string =>
  series?.lastObservedTime ?? deprecatedLastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';

const representEvent = (event: KubeEvent): SandboxEvent => {
  const last = lastTime(event);
  return {
    first_at: event.eventTime ?? event.deprecatedFirstTimestamp ?? last,
    last_at: last,
    count: event.series?.count ?? event.deprecatedCount ?? 1,
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.note ?? '',
    object: event.regarding?.kind === 'Pod' ? 'Pod' : 'Sandbox',
    source: event.reportingController || (event.deprecatedSource?.component ?? ''),
  };
};
