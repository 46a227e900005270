import type { FacadeDependencies } from '../dependencies.ts';
import { findSandbox } from '../find-sandbox.ts';
import { withoutTicket } from '../ports/forwarded-headers.ts';
import { admitToPreview, type PreviewAdmission } from '../ports/preview-access.ts';
import { previewCookie } from '../ports/preview-cookie.ts';
import { readPreviewHost } from '../ports/preview-host.ts';
import { proxyRequest } from '../ports/proxy-request.ts';
import { problemError } from '../problem.ts';
import type { FacadeContext, FacadeMiddleware } from '../request-state.ts';

/** Ports of sandboxes on hosts of their own. On such a host there is nothing of this API, whatever the path. */
export const servePreviews =
  (dependencies: FacadeDependencies): FacadeMiddleware =>
  async (context, next) => {
    const preview = readPreviewHost(context.get('host'), dependencies.settings.previewDomain);
    if (preview.kind === 'other') {
      await next();
      return;
    }
    if (preview.kind === 'no-preview') throw noPreview(context.get('host'));
    const { state, given } = await admitToPreview(dependencies, context.req, preview, context.state);
    context.state = state;
    // Only for a sandbox that is there, and the caller's.
    await findSandbox(dependencies, preview.sandbox, state);
    if (given !== undefined && ['GET', 'HEAD'].includes(context.method)) {
      keepTicket(context, given, dependencies.clock.now());
      return;
    }
    await proxyRequest(dependencies, context, { ...preview, path: context.url, prefix: '' });
  };

export const noPreview = (host: string): Error =>
  problemError('not-found', `There is nothing at ${host}: a preview is at <port>-<sandbox id>.<domain>`);

/** The ticket goes into a cookie and out of the address, which people copy and pages pass on. */
const keepTicket = (
  context: FacadeContext,
  { text, ticket }: NonNullable<PreviewAdmission['given']>,
  now: number,
): void => {
  const seconds = Math.max(1, Math.floor((ticket.expiresAt - now) / 1000));
  context.set('Set-Cookie', previewCookie(text, seconds));
  context.set('Referrer-Policy', 'no-referrer');
  // Two slashes, of either kind, would be another host.
  context.set('Location', `/${withoutTicket(context.url).replace(/^[/\\]+/, '')}`);
  context.status = 302;
  context.body = '';
};
