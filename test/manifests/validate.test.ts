import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand } from '../support/e2e/command.ts';
import { COMPONENTS, INSTALLATIONS, renderText, withComponent } from './render.ts';
import { schemaLocation, writeSchemas } from './schemas.ts';

let folder: string;
let kubeconform: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-schemas-'));
  kubeconform = await goTool('kubeconform');
  await goTool('kustomize');
  await writeSchemas(folder);
}, 900_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const validate = async (text: string) => {
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', schemaLocation(folder), '-'];
  const { stdout, stderr } = await runCommand(kubeconform, args, { deadlineMs: 60_000, stdin: text });
  const output = JSON.parse(stdout.toString() || '{}') as {
    readonly resources?: readonly { readonly kind: string; readonly name: string; readonly msg: string }[];
    readonly summary?: { readonly valid: number; readonly skipped: number };
  };
  return { wrong: output.resources ?? [], summary: output.summary, stderr };
};

describe('kubeconform, with the schemas of the Kubernetes that make up builds', () => {
  it.each([...INSTALLATIONS, ...COMPONENTS])('finds every object of %s valid, and skips none', async (path) => {
    const text = COMPONENTS.includes(path) ? await withComponent(path, renderText) : await renderText(path);
    const { wrong, summary, stderr } = await validate(text);
    expect({ wrong, stderr }).toEqual({ wrong: [], stderr: '' });
    expect(summary).toMatchObject({ skipped: 0, valid: text.split(/^kind: /m).length - 1 });
  });

  it('finds the definitions valid', async () => {
    expect((await validate(await renderText('crds'))).wrong).toEqual([]);
  });

  it.each([
    ['a field that there is not', { kind: 'Deployment', apiVersion: 'apps/v1', spec: { replica: 2 } }, /replica/],
    ['a value of another type', { kind: 'Service', apiVersion: 'v1', spec: { ports: '80' } }, /ports/],
    ['a product kind without what it needs', { kind: 'Sandbox', apiVersion: 'matrx.dev/v1alpha1', spec: {} }, /userId/],
    [
      'a monitor without an endpoint',
      { kind: 'PodMonitor', apiVersion: 'monitoring.coreos.com/v1', spec: { selectors: {} } },
      /selector/,
    ],
  ])('finds %s', async (_what, object, message) => {
    const { wrong } = await validate(JSON.stringify({ ...object, metadata: { name: 'x' } }));
    expect(wrong).toEqual([expect.objectContaining({ msg: expect.stringMatching(message) })]);
  });
});
