import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { API_URL } from './network.ts';

/**
 * A kubeconfig with its certificates inside, for the client certificate `name` in `folder`. JSON, which is YAML.
 */
export const clientKubeconfig = async (
  folder: string,
  name: string,
  options: { readonly namespace?: string } = {},
): Promise<string> => {
  const base64 = async (file: string): Promise<string> => (await readFile(join(folder, file))).toString('base64');
  const [authority, certificate, key] = await Promise.all([
    base64('cluster-ca.crt'),
    base64(`${name}.crt`),
    base64(`${name}.key`),
  ]);
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'matrx-local', cluster: { server: API_URL, 'certificate-authority-data': authority } }],
      users: [{ name, user: { 'client-certificate-data': certificate, 'client-key-data': key } }],
      contexts: [
        {
          name: 'matrx-local',
          context: {
            cluster: 'matrx-local',
            user: name,
            ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
          },
        },
      ],
      'current-context': 'matrx-local',
    },
    null,
    2,
  )}\n`;
};

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: object }[];
}

/** A kubeconfig with another namespace in its current context. Throws when it has no current context. */
export const withNamespace = (kubeconfig: string, namespace: string): string => {
  const config = parse(kubeconfig) as Kubeconfig | null;
  const current = config?.['current-context'];
  if (!config?.contexts?.some(({ name }) => name === current)) {
    throw new Error(`the kubeconfig has no current context (current-context: ${JSON.stringify(current)})`);
  }
  const contexts = config.contexts.map((entry) =>
    entry.name === current ? { ...entry, context: { ...entry.context, namespace } } : entry,
  );
  return `${JSON.stringify({ ...config, contexts }, null, 2)}\n`;
};
