import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand } from '../support/e2e/command.ts';
import { COMPONENTS, INSTALLATIONS, renderText, withComponent } from './render.ts';
import { schemaLocation, writeSchemas } from './schemas.ts';

/** What kubeconform says of one object. */
interface Verdict {
  readonly filename: string;
  readonly kind: string;
  readonly name: string;
  readonly status: 'statusValid' | 'statusInvalid' | 'statusError' | 'statusSkipped';
  readonly msg: string;
}

const PATHS = [...INSTALLATIONS, ...COMPONENTS, 'crds'];
const WRONG: readonly (readonly [what: string, object: object, message: RegExp])[] = [
  ['a field that there is not', { kind: 'Deployment', apiVersion: 'apps/v1', spec: { replica: 2 } }, /replica/],
  ['a value of another type', { kind: 'Service', apiVersion: 'v1', spec: { ports: '80' } }, /ports/],
  ['a product kind without what it needs', { kind: 'Sandbox', apiVersion: 'matrx.dev/v1alpha1', spec: {} }, /userId/],
  [
    'a monitor without an endpoint',
    { kind: 'PodMonitor', apiVersion: 'monitoring.coreos.com/v1', spec: { selectors: {} } },
    /selector/,
  ],
];

let folder: string;
const fileOf = (name: string): string => join(folder, 'objects', `${name.replaceAll(/\W/g, '-')}.yaml`);
const texts = new Map<string, string>();
let verdicts: readonly Verdict[];

/** All files at once: kubeconform takes seconds to read the schemas. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-schemas-'));
  await mkdir(join(folder, 'objects'));
  const kubeconform = await goTool('kubeconform');
  await goTool('kustomize');
  await writeSchemas(folder);
  for (const path of PATHS) {
    texts.set(path, await (COMPONENTS.includes(path) ? withComponent(path, renderText) : renderText(path)));
  }
  for (const [what, object] of WRONG) texts.set(what, JSON.stringify({ ...object, metadata: { name: 'x' } }));
  for (const [name, text] of texts) await writeFile(fileOf(name), text);
  const args = ['-strict', '-verbose', '-output', 'json', '-schema-location', schemaLocation(folder)];
  const { stdout, stderr } = await runCommand(kubeconform, [...args, join(folder, 'objects')], { deadlineMs: 300_000 });
  expect(stderr).toBe('');
  verdicts = (JSON.parse(stdout.toString()) as { readonly resources: readonly Verdict[] }).resources;
}, 900_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const verdictsOn = (name: string): readonly Verdict[] => verdicts.filter(({ filename }) => filename === fileOf(name));

describe('kubeconform, with the schemas of the Kubernetes that make up builds', () => {
  it.each(PATHS)('finds every object of %s valid, and skips none', (path) => {
    const found = verdictsOn(path);
    expect(found.filter(({ status }) => status !== 'statusValid')).toEqual([]);
    expect(found).toHaveLength((texts.get(path) ?? '').split(/^kind: /m).length - 1);
  });

  it.each(WRONG)('finds %s', (what, _object, message) => {
    expect(verdictsOn(what)).toEqual([
      expect.objectContaining({ status: 'statusInvalid', msg: expect.stringMatching(message) }),
    ]);
  });
});
