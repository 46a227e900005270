import { type Caller, hasScope } from './caller.ts';
import { problemError, sandboxNotFound } from './problem.ts';
import type { Access } from './route.ts';

/** Throws where the caller may not call the route; `sandboxId` is the one in the path. */
export const requireAccess = (access: Access, caller: Caller, sandboxId: string | undefined): void => {
  if (access.kind === 'open') return;
  if (caller.kind === 'sandbox') {
    // Of another sandbox's existence a sandbox learns nothing.
    if (access.self === true && sandboxId === caller.sandbox) return;
    if (access.self === true && sandboxId !== undefined) throw sandboxNotFound(sandboxId);
    throw problemError('not-allowed', 'A sandbox may not do this; use an API key');
  }
  if (!hasScope(caller, access.scope)) {
    throw problemError('not-allowed', `This API key lacks the scope ${access.scope}`);
  }
};
