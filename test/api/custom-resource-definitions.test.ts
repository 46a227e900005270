import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { customResourceDefinitions } from '../../src/api/custom-resource-definitions.ts';
import { crdFiles } from '../../src/commands/crds.ts';

const FOLDER = join(import.meta.dirname, '../../crds');

describe('crds/', () => {
  test('holds exactly what `npm run generate` writes', async () => {
    const generated = await crdFiles();
    expect((await readdir(FOLDER)).sort()).toEqual([...generated.keys(), 'kustomization.yaml'].sort());
    for (const [file, yaml] of generated) expect(await readFile(join(FOLDER, file), 'utf8')).toBe(yaml);
  });

  test('is the same after a round through YAML', async () => {
    const definitions = customResourceDefinitions();
    for (const [file, yaml] of await crdFiles()) expect(parse(yaml)).toEqual(definitions.get(file));
  });

  test.each([...customResourceDefinitions().values()].map((crd) => [crd.metadata.name, crd] as const))(
    '%s has one version that is served and stored, a short name and the matrx category',
    (_name, crd) => {
      expect(crd.spec).toMatchObject({
        scope: 'Namespaced',
        names: { categories: ['matrx'], shortNames: [expect.any(String)] },
        versions: [{ name: 'v1alpha1', served: true, storage: true }],
      });
    },
  );

  test('a Sandbox without a status counts as not yet observed', () => {
    const definition = JSON.stringify(customResourceDefinitions().get('sandboxes.yaml'));
    expect(definition).toContain('"default":{"observedGeneration":-1}');
  });
});
