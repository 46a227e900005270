import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { AUTHORITIES, CERTIFICATES, type CertificatePlan } from './certificate-plan.ts';

/** The cluster lives no longer than its machine; renewing certificates under it would be one more way to break. */
const VALID_DAYS = '3650';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;
const PLAN_FILE = 'plan.json';

/**
 * Makes the keys and certificates of the cluster in `folder` with the openssl program (Node's crypto cannot sign
 * X.509), unless those of exactly this plan are there. Resolves with whether it made any.
 */
export const ensureCertificates = async (folder: string, log: string): Promise<boolean> => {
  const plan = `${JSON.stringify({ AUTHORITIES, CERTIFICATES }, null, 2)}\n`;
  // Written last: a run that stopped half way starts over.
  const earlier = await readFile(join(folder, PLAN_FILE), 'utf8').catch(() => '');
  if (earlier === plan) return false;
  const openssl = (...args: string[]): Promise<string> => run(['openssl', ...args], { cwd: folder, log });
  const added = addedCertificates(earlier, CERTIFICATES);
  if (added !== undefined) {
    await issueCertificates(folder, added, log);
    await writeFile(join(folder, PLAN_FILE), plan, { mode: 0o600 });
    return true;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });

  await Promise.all(
    AUTHORITIES.map((authority) =>
      openssl(
        'req',
        '-x509',
        '-new',
        ...NEW_KEY,
        '-days',
        VALID_DAYS,
        '-subj',
        `/CN=matrx-local ${authority}`,
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
        '-keyout',
        `${authority}-ca.key`,
        '-out',
        `${authority}-ca.crt`,
      ),
    ),
  );
  await issueCertificates(folder, CERTIFICATES, log);
  await openssl('genrsa', '-out', 'service-account.key', '2048');
  await openssl('rsa', '-in', 'service-account.key', '-pubout', '-out', 'service-account.pub');
  await writeFile(join(folder, PLAN_FILE), plan, { mode: 0o600 });
  return true;
};

/**
 * What a plan has more than the one that was carried out, or undefined where it is not just an addition. The cluster
 * keeps its authorities then: new ones would make every token and certificate in running pods worthless.
 */
export const addedCertificates = (
  earlier: string,
  certificates: readonly CertificatePlan[],
): readonly CertificatePlan[] | undefined => {
  if (earlier === '') return undefined;
  const carriedOut = JSON.parse(earlier) as {
    AUTHORITIES: readonly string[];
    CERTIFICATES: readonly CertificatePlan[];
  };
  const isSame = (a: CertificatePlan) => (b: CertificatePlan) => JSON.stringify(a) === JSON.stringify(b);
  const isKept = carriedOut.CERTIFICATES.every((old) => certificates.some(isSame(old)));
  if (!isKept || JSON.stringify(carriedOut.AUTHORITIES) !== JSON.stringify(AUTHORITIES)) return undefined;
  return certificates.filter((one) => !carriedOut.CERTIFICATES.some(isSame(one)));
};

/** Makes, or makes anew, certificates of the authorities in `folder`. */
export const issueCertificates = async (
  folder: string,
  certificates: readonly CertificatePlan[],
  log: string,
): Promise<void> => {
  const openssl = (...args: string[]): Promise<string> => run(['openssl', ...args], { cwd: folder, log });
  await Promise.all(certificates.map((certificate) => issue(folder, certificate, openssl)));
};

const issue = async (
  folder: string,
  certificate: CertificatePlan,
  openssl: (...args: string[]) => Promise<string>,
): Promise<void> => {
  const { name, authority, commonName, organization, use, names } = certificate;
  const subject = `${organization === undefined ? '' : `/O=${organization}`}/CN=${commonName}`;
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    `extendedKeyUsage=${use.map((each) => `${each}Auth`).join(',')}`,
    ...(names === undefined ? [] : [`subjectAltName=${names.join(',')}`]),
  ];
  await writeFile(join(folder, `${name}.ext`), `${extensions.join('\n')}\n`);
  await openssl('req', '-new', ...NEW_KEY, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  await openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-days',
    VALID_DAYS,
    '-extfile',
    `${name}.ext`,
    // A random serial: issuing in parallel, they would share the counter in a serial file.
    '-CA',
    `${authority}-ca.crt`,
    '-CAkey',
    `${authority}-ca.key`,
    '-set_serial',
    await serial(openssl),
    '-out',
    `${name}.crt`,
  );
  await Promise.all([rm(join(folder, `${name}.csr`)), rm(join(folder, `${name}.ext`))]);
};

const serial = async (openssl: (...args: string[]) => Promise<string>): Promise<string> =>
  `0x4${(await openssl('rand', '-hex', '15')).trim()}`;
