import { expect } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { COMPONENTS, OVERLAYS, withComponent } from '../manifests/render.ts';
import { scenario } from '../support/e2e/scenario.ts';
import type { Kubectl } from '../support/e2e/kubectl.ts';

/** Of kinds of the Prometheus operator, and for the namespace of Argo CD: neither is in this cluster. */
const FOREIGN = ['manifests/components/argocd', 'manifests/components/monitoring'];

/** Validated, defaulted and admitted as if it were applied; nothing is written. */
const expectTaken = async (kubectl: Kubectl, folder: string): Promise<void> => {
  const rendered = parseAllDocuments(await kubectl.run(['kustomize', folder]));
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
};

for (const folder of ['manifests/base', ...OVERLAYS]) {
  scenario(`the API server takes every object of ${folder}`, 60, ({ kubectl }) => expectTaken(kubectl, folder));
}

for (const component of COMPONENTS.filter((one) => !FOREIGN.includes(one))) {
  scenario(`the API server takes every object of the base with ${component}`, 60, ({ kubectl }) =>
    withComponent(component, (folder) => expectTaken(kubectl, folder)),
  );
}
