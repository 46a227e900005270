import type { PodIdentity } from '../api/token-review.ts';
import type { Clock } from '../base/clock.ts';
import type { Grant } from './publish-verdict.ts';

/** What the API said of a pod a moment ago, so that its publish need not ask again: only whose token it is. */
export interface RecentGrants {
  readonly remember: (grant: Grant) => void;
  readonly recall: (identity: PodIdentity) => Grant | undefined;
}

/**
 * A writer can change right after any look, so a look that is this old weakens nothing: whoever has lost the workspace
 * is fenced by the epoch that its grant names.
 */
const RECENT_MS = 3000;

export const makeRecentGrants = (clock: Clock): RecentGrants => {
  const grants = new Map<string, { readonly grant: Grant; readonly until: number }>();
  return {
    remember: (grant) => {
      const now = clock.monotonic();
      for (const [podUid, { until }] of grants) if (until < now) grants.delete(podUid);
      grants.set(grant.podUid, { grant, until: now + RECENT_MS });
    },
    recall: ({ namespace, pod, podUid }) => {
      const known = grants.get(podUid);
      if (known === undefined || known.until < clock.monotonic()) return undefined;
      return known.grant.namespace === namespace && known.grant.pod === pod ? known.grant : undefined;
    },
  };
};
