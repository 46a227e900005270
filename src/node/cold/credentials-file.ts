import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { UserCredentials } from './credentials.ts';

/** A signed request may be on its way this long: what expires sooner is no longer used. In milliseconds. */
export const EARLY_MS = 5 * 60_000;

/** Files by which a mount process gets its credentials, in a folder that root alone can enter. */
export interface CredentialFiles {
  /** For AWS_CONFIG_FILE. */
  readonly config: string;
  /** What its `credential_process` prints. */
  readonly answer: string;
}

export const credentialFiles = (folder: string): CredentialFiles => ({
  config: path.join(folder, 'aws-config'),
  answer: path.join(folder, 'credentials.json'),
});

/**
 * Writes them, whole or not at all. The mount process reads them anew each time the ones that it has are about to
 * expire, so a renewal reaches it without a restart, and they stand in no command line and no environment.
 */
export const writeCredentials = async (folder: string, credentials: UserCredentials): Promise<void> => {
  const files = credentialFiles(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(files.answer, JSON.stringify(processAnswer(credentials)));
  await replaceFile(files.config, `[default]\ncredential_process = /bin/cat ${shellQuote(files.answer)}\n`);
};

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
const processAnswer = ({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: UserCredentials): object => ({
  Version: 1,
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  ...(sessionToken === undefined ? {} : { SessionToken: sessionToken }),
  ...(expiresAt === undefined ? {} : { Expiration: new Date(expiresAt - EARLY_MS).toISOString() }),
});

// It is run by `sh -c`.
const shellQuote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export const replaceFile = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
};
