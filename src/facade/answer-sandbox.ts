import type { Sandbox } from '../api/sandbox.ts';
import { entityTag } from './entity-tag.ts';
import { representSandbox } from './representation.ts';
import type { FacadeContext } from './request-state.ts';

/** Answers with a Sandbox and the version that If-Match takes. */
export const answerSandbox = (context: FacadeContext, status: 200 | 201 | 202, sandbox: Sandbox): void => {
  context.status = status;
  context.set('ETag', entityTag(sandbox));
  context.body = representSandbox(sandbox, context.state.sshPort);
};
