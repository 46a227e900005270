import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBucket } from './bucket.ts';
import { ensureApiKey } from './install.ts';
import type { Local } from './local.ts';

/** What a shell, a script or a test needs to use the installation. */
export type LocalVariables = Readonly<Record<string, string>>;

const urlPath = (local: Local): string => join(local.paths.state, 'url');

export const writeUrl = async (local: Local, url: string): Promise<void> => {
  await mkdir(local.paths.state, { recursive: true, mode: 0o700 });
  await writeFile(urlPath(local), `${url}\n`, { mode: 0o600 });
};

/** Throws when `up` has not come to its end here. */
export const localVariables = async (local: Local): Promise<LocalVariables> => {
  const url = await readFile(urlPath(local), 'utf8').catch(() => undefined);
  const bucket = await readBucket(local.paths);
  if (url === undefined || bucket === undefined) {
    throw new Error(`there is no finished installation in ${local.paths.state}: run \`make up\` first`);
  }
  return {
    KUBECONFIG: local.paths.kubeconfig,
    MATRX_URL: url.trim(),
    MATRX_API_KEY: await ensureApiKey(local),
    MATRX_S3_BUCKET: bucket.bucket,
    AWS_REGION: bucket.region,
    ...(bucket.endpoint === undefined ? {} : { AWS_ENDPOINT_URL_S3: bucket.endpoint }),
    ...(bucket.credentials === undefined
      ? {}
      : {
          AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
          ...(bucket.credentials.sessionToken === undefined
            ? {}
            : { AWS_SESSION_TOKEN: bucket.credentials.sessionToken }),
        }),
  };
};

/** A word that any POSIX shell reads back as exactly `text`. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Lines for `eval`. `bin` goes to the front of PATH; a CA bundle for AWS tools is dropped, where the server is not
 * AWS: with it they refuse a local one.
 */
export const exportLines = (
  variables: LocalVariables,
  options: { readonly bin: string | undefined },
): readonly string[] => [
  ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
  ...(options.bin === undefined ? [] : [`export PATH=${shellQuote(options.bin)}:"$PATH"`]),
  ...(variables.AWS_ENDPOINT_URL_S3 === undefined ? [] : ['unset AWS_CA_BUNDLE']),
];
