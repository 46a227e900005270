import { type Caller, hasScope } from './caller.ts';
import { problemError, sandboxNotFound } from './problem.ts';
import type { Access } from './route.ts';

/** Throws where the caller may not call the route; `params` are those of its path, with the sandbox's id in `id`. */
export const requireAccess = (access: Access, caller: Caller, params: Readonly<Record<string, string>>): void => {
  if (access.kind === 'open') return;
  if (caller.kind === 'sandbox') {
    const { id } = params;
    // Of another sandbox's existence a sandbox learns nothing.
    if (access.self === true && id === caller.sandbox) return;
    if (access.self === true && id !== undefined) throw sandboxNotFound(id);
    throw problemError('not-allowed', 'A sandbox may not do this; use an API key');
  }
  if (caller.kind === 'ticket') {
    // Of which sandbox, findSandbox asks (caller.ts, maySee).
    if (access.ticket?.(params) === caller.scope) return;
    throw problemError('not-allowed', `The ticket is for ${caller.scope} of its sandbox, and for nothing else`);
  }
  if (!hasScope(caller, access.scope)) {
    throw problemError('not-allowed', `This API key lacks the scope ${access.scope}`);
  }
};
