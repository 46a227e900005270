import { expect, it } from '@jest/globals';
import { addedCertificates } from '../../../src/local/cluster/certificates.ts';
import { AUTHORITIES, CERTIFICATES, type CertificatePlan } from '../../../src/local/cluster/certificate-plan.ts';

const carriedOut = (certificates: readonly CertificatePlan[], authorities: readonly string[] = AUTHORITIES): string =>
  JSON.stringify({ AUTHORITIES: authorities, CERTIFICATES: certificates });

it('a part that the cluster gets later gets its certificate from the authorities that are there', () => {
  const added = addedCertificates(carriedOut(CERTIFICATES.slice(0, -1)), CERTIFICATES);
  expect(added).toEqual(CERTIFICATES.slice(-1));
});

it('a plan that changes or drops what was issued starts over, and so does a folder without one', () => {
  const changed = CERTIFICATES.map((one, index) => (index === 0 ? { ...one, commonName: 'other' } : one));
  expect(addedCertificates(carriedOut(changed), CERTIFICATES)).toBeUndefined();
  expect(addedCertificates(carriedOut(CERTIFICATES), CERTIFICATES.slice(1))).toBeUndefined();
  expect(addedCertificates(carriedOut(CERTIFICATES, ['cluster']), CERTIFICATES)).toBeUndefined();
  expect(addedCertificates('', CERTIFICATES)).toBeUndefined();
});
