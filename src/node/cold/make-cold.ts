import type { ColdDriverName } from '../../api/workspace-cold.ts';
import type { Clock } from '../../base/clock.ts';
import type { ColdConfig } from '../../config/cold.ts';
import type { Mounts } from '../mounts.ts';
import { makeAccountCredentials } from './account-credentials.ts';
import {
  makeNoCredentials,
  makeSharedCredentials,
  type CredentialProvider,
  type UserCredentials,
} from './credentials.ts';
import type { MountDriver } from './mount-driver.ts';
import { makeMountS3Driver } from './mount-s3-driver.ts';
import { makeRcloneDriver } from './rclone-driver.ts';
import { makeAssumeRoleCredentials, makeWebIdentityCredentials } from './sts-credentials.ts';

export interface ColdWiring {
  readonly config: ColdConfig;
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** uid and gid of the files. */
  readonly ownerId: number;
  /** The driver's own credentials. */
  readonly own: () => Promise<UserCredentials>;
  readonly clock: Clock;
  readonly mounts: Mounts;
}

/** How cold storage is mounted on this node, and with whose credentials, from the settings. */
export const makeCold = (
  wiring: ColdWiring,
): { readonly drivers: Readonly<Record<ColdDriverName, MountDriver>>; readonly provider: CredentialProvider } => {
  const { config } = wiring;
  const shared = { ...wiring, cacheBytes: config.cacheBytes, env: { SSL_CERT_FILE: config.caFile } };
  return {
    drivers: {
      rclone: makeRcloneDriver({ ...shared, program: config.rclone, writeBackSeconds: config.writeBackSeconds }),
      'mount-s3': makeMountS3Driver({ ...shared, program: config.mountS3 }),
    },
    provider: providerOf(wiring),
  };
};

const providerOf = ({ config: { credentials }, bucket, own, clock }: ColdWiring): CredentialProvider => {
  const now = clock.now;
  if (credentials.provider === 'off') return makeNoCredentials();
  if (credentials.provider === 'none') return makeSharedCredentials(own);
  if (credentials.provider === 'accounts') {
    return makeAccountCredentials({ ...credentials, bucket, root: own, now });
  }
  const sts = { ...credentials, endpoint: credentials.stsUrl, bucket, now };
  return credentials.provider === 'assume-role'
    ? makeAssumeRoleCredentials({ ...sts, own })
    : makeWebIdentityCredentials(sts);
};
