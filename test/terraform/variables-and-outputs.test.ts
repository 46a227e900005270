import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { parseHcl } from './parse-hcl.ts';
import { blockOf, readModule, TERRAFORM, type Block, type Module } from './read-module.ts';

let module: Module;
beforeAll(async () => {
  module = await readModule();
});

const ofKind = (kind: string): readonly Block[] => module.blocks.filter((one) => one.kind === kind);
const validationsOf = (body: Block['body']): readonly unknown[] =>
  z.array(z.unknown()).default([]).parse(body.validation);

test('the variables have the names and defaults that they always had; spot takes effect here, so it is off [A9.2]', () => {
  const defaults = Object.fromEntries(ofKind('variable').map(({ name, body }) => [name, body.default]));
  expect(defaults).toMatchObject({
    aws_region: 'us-east-1',
    environment: 'dev',
    project_name: 'matrx-sandbox',
    ec2_instance_type: 't3.xlarge',
    ec2_ami_id: null,
    ec2_key_pair_name: null,
    ec2_use_spot: false,
    ec2_spot_max_price: null,
    vpc_id: null,
    subnet_id: null,
    ssh_cidr_blocks: [],
    api_cidr_blocks: [],
    ecr_repo_arn: null,
  });
  expect(blockOf(module, 'variable', '', 's3_bucket_name')).not.toHaveProperty('default');
});

test('the outputs have the names that they always had [A9.2]', () => {
  expect(ofKind('output').map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      's3_bucket_name',
      's3_bucket_arn',
      'ec2_instance_id',
      'ec2_public_ip',
      'ec2_public_dns',
      'iam_role_arn',
      'security_group_id',
    ]),
  );
});

test('every variable and output says what it is, and everything but a switch is validated [A9.2]', () => {
  for (const { name, body } of [...ofKind('variable'), ...ofKind('output')]) {
    expect([name, body.description]).toEqual([name, expect.stringMatching(/\S.*\.$/)]);
  }
  const open = ofKind('variable').filter(({ body }) => body.type !== '${bool}' && validationsOf(body).length === 0);
  expect(open.map(({ name }) => name)).toEqual([]);
});

test('each validation has a run of terraform test that it refuses', async () => {
  const runs = z
    .object({ run: z.record(z.string(), z.array(z.object({ expect_failures: z.array(z.string()).default([]) }))) })
    .parse(
      await parseHcl('variables.tftest.hcl', readFileSync(join(TERRAFORM, 'tests/variables.tftest.hcl'), 'utf8')),
    ).run;
  const refused = Object.values(runs).flatMap((bodies) => bodies.flatMap((one) => one.expect_failures));
  for (const { name, body } of ofKind('variable')) {
    const times = refused.filter((reference) => reference === `\${var.${name}}`).length;
    expect([name, times >= validationsOf(body).length]).toEqual([name, true]);
  }
});

test('every variable has an effect, and nothing refers to what is not there [A9.2]', () => {
  // What stands in the variable’s own block is no use of it.
  const used = module.text.replaceAll(/^variable "[^]*?^\}$/gm, '');
  const names = (pattern: RegExp, text: string): ReadonlySet<string> =>
    new Set([...text.matchAll(pattern)].map(([, name = '']) => name));
  const variables = new Set(ofKind('variable').map(({ name }) => name));
  expect(names(/\bvar\.(\w+)/g, used)).toEqual(variables);
  const made = new Set(
    module.blocks
      .filter(({ kind }) => kind === 'resource' || kind === 'data')
      .map(({ kind, type, name }) => `${kind === 'data' ? 'data.' : ''}${type}.${name}`),
  );
  const referred = names(/(?<![\w"/.-])((?:data\.)?aws_\w+\.\w+)/g, used);
  expect([...referred].filter((name) => !made.has(name))).toEqual([]);
  expect(referred.size).toBeGreaterThan(20);
});

test('the state is remote, encrypted and locked, and the releases are bounded [A9.1]', () => {
  expect(blockOf(module, 'terraform', '', 'settings')).toMatchObject({
    required_version: '>= 1.11',
    backend: { s3: [{ encrypt: true, use_lockfile: true }] },
    required_providers: [{ aws: { source: 'hashicorp/aws', version: '~> 5.81' } }],
  });
  expect(blockOf(module, 'provider', '', 'aws')).toHaveProperty('default_tags');
});
