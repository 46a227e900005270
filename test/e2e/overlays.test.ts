import { expect } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { scenario } from '../support/e2e/scenario.ts';

const FOLDERS = [
  'manifests/base',
  ...['dev', 'aws-single-node', 'aws-multi-node', 'multi-node', 'eks'].map((name) => `manifests/overlays/${name}`),
];

for (const folder of FOLDERS) {
  scenario(`the API server takes every object of ${folder}`, 60, async ({ kubectl }) => {
    const rendered = parseAllDocuments(await kubectl.run(['kustomize', folder]));
    // Validated, defaulted and admitted as if it were applied; nothing is written.
    const answer = await kubectl.run([
      'apply',
      '--server-side',
      '--dry-run=server',
      '--force-conflicts',
      '--field-manager=matrx-test',
      '--validate=strict',
      '-k',
      folder,
    ]);
    const lines = answer.trim().split('\n');
    expect(lines.filter((line) => !line.endsWith('serverside-applied (server dry run)'))).toEqual([]);
    expect(lines).toHaveLength(rendered.length);
  });
}

scenario('the API server takes the RuntimeClass and the template of the gvisor component', 60, async ({ kubectl }) => {
  const files = ['runtime-class.yaml', 'template.yaml'].map((name) => `--filename=manifests/components/gvisor/${name}`);
  const answer = await kubectl.run(['apply', '--server-side', '--dry-run=server', '--validate=strict', ...files]);
  expect(answer.trim().split('\n')).toHaveLength(2);
});
