import type { FacadeContext } from '../../request-state.ts';

/** A route of one Sandbox; `id` as it stands in the path, not yet known to be anyone's. */
export type SandboxRoute = (context: FacadeContext, id: string) => Promise<void>;
