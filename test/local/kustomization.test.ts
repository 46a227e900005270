import { describe, expect, it } from '@jest/globals';
import { olderImages } from '../../src/local/images.ts';
import { kustomizationFiles, type Installation } from '../../src/local/kustomization.ts';

const INSTALLATION: Installation = {
  folder: '/var/lib/matrx-local/install',
  manifests: '/src/matrx-sandbox/manifests/overlays/dev',
  productImage: 'matrx-sandbox/product:0123456789abcdef',
  sandboxImage: 'registry.example:5000/team/sandbox:v7',
  bucket: {
    embedded: true,
    bucket: 'matrx-workspaces',
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:7070',
    credentials: { accessKeyId: 'id', secretAccessKey: 'se=cret' },
  },
  cold: { MATRX_COLD_PROVIDER: 'accounts' },
  apiKey: 'matrx-key',
  facade: { url: 'http://10.96.0.7', privateKey: 'PRIVATE', publicKey: 'PUBLIC' },
  network: { closed: [], resolvers: [] },
};

interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly secretGenerator: readonly { readonly name: string }[];
  readonly patches: readonly { readonly patch: string }[];
}
const parsed = (installation: Installation): Kustomization =>
  JSON.parse(kustomizationFiles(installation)['kustomization.yaml'] ?? '') as Kustomization;

describe('the kustomization of an installation', () => {
  it('refers to the manifests by a relative path, which is all that kustomize takes', () => {
    expect(parsed(INSTALLATION).resources).toEqual(['../../../../src/matrx-sandbox/manifests/overlays/dev']);
  });

  it('names the images, also where a registry has a port', () => {
    expect(parsed(INSTALLATION).images).toEqual([
      { name: 'matrx-sandbox/product', newName: 'matrx-sandbox/product', newTag: '0123456789abcdef' },
      { name: 'matrx-sandbox/sandbox', newName: 'registry.example:5000/team/sandbox', newTag: 'v7' },
    ]);
  });

  it('keeps secrets out of everything but their own files', () => {
    const { 'kustomization.yaml': kustomization, 'config.env': config, ...secrets } = kustomizationFiles(INSTALLATION);
    expect(`${kustomization}${config}`).not.toMatch(/se=cret|matrx-key|PRIVATE/);
    expect(secrets).toEqual({
      'api-key.env': 'MATRX_API_KEY=matrx-key\n',
      'facade-key.env': 'MATRX_FACADE_KEY=PRIVATE\n',
      's3-credentials.env': 'AWS_ACCESS_KEY_ID=id\nAWS_SECRET_ACCESS_KEY=se=cret\n',
    });
    expect(config).toBe(
      'MATRX_S3_BUCKET=matrx-workspaces\nAWS_REGION=us-east-1\nAWS_ENDPOINT_URL_S3=http://127.0.0.1:7070\n' +
        'MATRX_FACADE_URL=http://10.96.0.7\nMATRX_SANDBOXD_KEYS=PUBLIC\nMATRX_COLD_PROVIDER=accounts\n',
    );
  });

  it('has no credentials where the node has its own', () => {
    const bucket = { embedded: false, bucket: 'homes', region: 'eu-central-1' };
    const installation = { ...INSTALLATION, bucket };
    expect(kustomizationFiles(installation)).not.toHaveProperty('s3-credentials.env');
    expect(parsed(installation).secretGenerator.map(({ name }) => name)).toEqual(['matrx-api-key', 'matrx-facade-key']);
  });

  it('closes addresses of the nodes to sandboxes and opens their name servers, where a cluster has such', () => {
    expect(parsed(INSTALLATION).patches).toHaveLength(1);
    const closed = [{ op: 'add', path: '/spec/x', value: '192.0.2.2/32' }];
    const installation = { ...INSTALLATION, network: { closed, resolvers: ['10.0.0.2'] } };
    expect(parsed(installation).patches[1]).toEqual({
      target: { kind: 'NetworkPolicy', name: 'matrx-sandboxes-internet' },
      patch: JSON.stringify(closed),
    });
    expect(parsed(installation).resources[1]).toBe('resolvers.json');
    expect(kustomizationFiles(installation)['resolvers.json']).toContain('"10.0.0.2/32"');
  });

  it('rolls the pods exactly when what they read at their start changes', () => {
    const patchOf = (installation: Installation): string | undefined => parsed(installation).patches[0]?.patch;
    expect(patchOf({ ...INSTALLATION, apiKey: 'other' })).not.toBe(patchOf(INSTALLATION));
    expect(patchOf({ ...INSTALLATION, sandboxImage: 'matrx-sandbox/sandbox:other' })).toBe(patchOf(INSTALLATION));
  });
});

it('older images of the product are those of its repository with another tag', () => {
  const names = [
    'docker.io/matrx-sandbox/product:new',
    'docker.io/matrx-sandbox/product:old',
    'docker.io/matrx-sandbox/product-of-mine:old',
    'docker.io/matrx-sandbox/sandbox:old',
    'sha256:0123',
    '',
  ].join('\n');
  const older = olderImages(names, 'matrx-sandbox/product', 'matrx-sandbox/product:new');
  expect(older).toEqual(['docker.io/matrx-sandbox/product:old']);
});
