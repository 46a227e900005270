import type { FacadeDependencies } from '../dependencies.ts';
import { noPreview } from '../middleware/serve-previews.ts';
import { admitToPreview } from './preview-access.ts';
import { readPreviewHost } from './preview-host.ts';
import { proxyUpgrade, type UpgradeToPort } from './proxy-upgrade.ts';

/** A WebSocket to the host of a preview, where there is nothing of this API. False for any other host. */
export const upgradePreview = async (
  dependencies: FacadeDependencies,
  asked: Pick<UpgradeToPort, 'request' | 'socket' | 'head' | 'state'>,
): Promise<boolean> => {
  const { request, state } = asked;
  const { host = '' } = request.headers;
  const preview = readPreviewHost(host, dependencies.settings.previewDomain);
  if (preview.kind === 'other') return false;
  if (preview.kind === 'no-preview') throw noPreview(host);
  const { state: admitted } = await admitToPreview(dependencies, request, preview, state);
  admitted.log.info({ method: 'UPGRADE', host, client_ip: admitted.clientIp }, 'request');
  await proxyUpgrade(dependencies, { ...asked, ...preview, path: request.url ?? '/', prefix: '', state: admitted });
  return true;
};
