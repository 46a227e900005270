import { credentialFiles } from './credentials-file.ts';
import type { ColdMountSpec } from './mount-driver.ts';

/** All that a mount process gets of an environment: nothing of the driver's own, which has its credentials. */
export const mountEnvironment = (
  spec: ColdMountSpec,
  inherited: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: spec.folder,
  AWS_CONFIG_FILE: credentialFiles(spec.folder).config,
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  // The instance's role reaches every user's files.
  AWS_EC2_METADATA_DISABLED: 'true',
  ...(inherited['SSL_CERT_FILE'] === undefined ? {} : { SSL_CERT_FILE: inherited['SSL_CERT_FILE'] }),
});
