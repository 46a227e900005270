import { NO_PROXIES } from '../../../src/config/trusted-proxies.ts';
import type { FacadeSettings } from '../../../src/facade/dependencies.ts';
import { NAMESPACE } from '../../support/resources.ts';

/** Of a facade under test. */
export const TEST_SETTINGS: FacadeSettings = {
  namespace: NAMESPACE,
  apiKeyHeader: 'X-API-Key',
  trustedProxies: NO_PROXIES,
  startTimeoutSeconds: 120,
  stopTimeoutSeconds: 60,
  maxCommandLength: 10_000,
  maxBodyBytes: 64 * 1024,
  maxOutputBytes: 256 * 1024,
  allowedOrigins: [],
};
