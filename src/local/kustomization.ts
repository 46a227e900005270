import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { splitName } from '../docker/engine.ts';
import type { BucketRecord } from './bucket.ts';
import { INTERNET_POLICY, resolverPolicy } from './sandbox-network.ts';
import { PRODUCT_REPOSITORY, SANDBOX_REPOSITORY } from './image-plans.ts';

export const SYSTEM_NAMESPACE = 'matrx-system';
const SANDBOX_NAMESPACE = 'sandboxes';

export interface Installation {
  /** The folder that the files are written to. */
  readonly folder: string;
  /** The manifests to install from. */
  readonly manifests: string;
  readonly productImage: string;
  readonly sandboxImage: string;
  readonly bucket: BucketRecord;
  /** The MATRX_COLD_… settings. */
  readonly cold: Readonly<Record<string, string>>;
  readonly apiKey: string;
  readonly facade: FacadeIdentity;
  readonly network: SandboxNetwork;
}

/** What is particular to a cluster about the network of its sandboxes. */
export interface SandboxNetwork {
  /** A patch for the policy `INTERNET_POLICY`. */
  readonly closed: readonly object[];
  /** Name servers that are not pods of the cluster. */
  readonly resolvers: readonly string[];
}

/** What sandboxes know the facade by. */
export interface FacadeIdentity {
  /** Where they reach it. */
  readonly url: string;
  /** As MATRX_FACADE_KEY and MATRX_SANDBOXD_KEYS take them. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * The files, by name, of a kustomization on top of the manifests: which images, which bucket, which key. What the pods
 * read only when they start is also hashed into their template, so that a change rolls them.
 */
export const kustomizationFiles = (installation: Installation): Readonly<Record<string, string>> => {
  const { folder, manifests, productImage, sandboxImage, bucket, cold, apiKey, facade, network } = installation;
  const config = environmentFile({
    MATRX_S3_BUCKET: bucket.bucket,
    AWS_REGION: bucket.region,
    AWS_ENDPOINT_URL_S3: bucket.endpoint,
    MATRX_FACADE_URL: facade.url,
    MATRX_SANDBOXD_KEYS: facade.publicKey,
    ...cold,
  });
  const credentials =
    bucket.credentials === undefined
      ? undefined
      : environmentFile({
          AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
          AWS_SESSION_TOKEN: bucket.credentials.sessionToken,
        });
  const key = environmentFile({ MATRX_API_KEY: apiKey });
  const facadeKey = environmentFile({ MATRX_FACADE_KEY: facade.privateKey });
  const hash = createHash('sha256')
    .update([config, credentials ?? '', key, facadeKey].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const secrets = [
    ...(credentials === undefined ? [] : [{ name: 'matrx-s3-credentials', envs: ['s3-credentials.env'] }]),
    { name: 'matrx-api-key', envs: ['api-key.env'] },
    { name: 'matrx-facade-key', envs: ['facade-key.env'] },
  ];
  const resolvers =
    network.resolvers.length === 0 ? undefined : JSON.stringify(resolverPolicy(SANDBOX_NAMESPACE, network.resolvers));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, manifests), ...(resolvers === undefined ? [] : ['resolvers.json'])],
    configurations: ['image-fields.yaml'],
    images: [imageEntry(PRODUCT_REPOSITORY, productImage), imageEntry(SANDBOX_REPOSITORY, sandboxImage)],
    generatorOptions: { disableNameSuffixHash: true },
    configMapGenerator: [{ name: 'matrx-config', namespace: SYSTEM_NAMESPACE, envs: ['config.env'] }],
    secretGenerator: secrets.map((secret) => ({ ...secret, namespace: SYSTEM_NAMESPACE })),
    patches: [
      { target: { kind: 'Deployment|DaemonSet', namespace: SYSTEM_NAMESPACE }, patch: annotationPatch(hash) },
      ...(network.closed.length === 0
        ? []
        : [{ target: { kind: 'NetworkPolicy', name: INTERNET_POLICY }, patch: JSON.stringify(network.closed) }]),
    ],
  };
  return {
    'kustomization.yaml': `${JSON.stringify(kustomization, null, 2)}\n`,
    'config.env': config,
    'api-key.env': key,
    'facade-key.env': facadeKey,
    ...(credentials === undefined ? {} : { 's3-credentials.env': credentials }),
    ...(resolvers === undefined ? {} : { 'resolvers.json': resolvers }),
  };
};

const environmentFile = (values: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}\n`]))
    .join('');

const imageEntry = (name: string, image: string): object => {
  const [newName, newTag] = splitName(image);
  return { name, newName, newTag };
};

/** A strategic merge patch; kustomize takes kind and name from the target. */
const annotationPatch = (hash: string): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'any' },
    spec: { template: { metadata: { annotations: { 'matrx.dev/configuration': hash } } } },
  });
