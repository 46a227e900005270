import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { pythonPrograms } from '../../scripts/python-programs.ts';
import { runCommand } from '../support/e2e/command.ts';
import { dockerfileFaults } from './dockerfile-faults.ts';

const ROOT = join(import.meta.dirname, '../..');
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'dist-sandboxd', 'coverage', 'release']);
const dockerfiles = globSync('**/{Dockerfile,Dockerfile.*,*.Dockerfile}', {
  cwd: ROOT,
  exclude: (name) => LEFT_OUT.has(name),
}).toSorted();
/** Stages that are images, beside the last of each file. */
const IMAGES: Readonly<Record<string, readonly string[]>> = { 'sandbox-image/Dockerfile': ['core', 'full'] };

describe('the Dockerfiles', () => {
  let hadolint: string;
  beforeAll(async () => {
    hadolint = join(await pythonPrograms(join(ROOT, 'scripts/lint-requirements.txt')), 'hadolint');
  }, 300_000);

  const lint = async (files: readonly string[], stdin = '') => {
    const { exitCode, stdout } = await runCommand(hadolint, ['--no-color', ...files], {
      deadlineMs: 120_000,
      cwd: ROOT,
      stdin,
    });
    return { exitCode, found: stdout.toString() };
  };

  it('are all looked at: of the product, of the sandboxes, and of the examples', () => {
    expect(dockerfiles).toEqual(
      expect.arrayContaining(['Dockerfile', 'sandbox-image/Dockerfile', 'sandbox-image/examples/sudo/Dockerfile']),
    );
  });

  it('have nothing that hadolint finds', async () => {
    expect(await lint(dockerfiles)).toEqual({ exitCode: 0, found: '' });
  }, 120_000);

  it('would be told of a base that moves, packages too many, lists left behind, a relative folder and a shell in between', async () => {
    const wrong = 'FROM debian:latest\nRUN apt-get update && apt-get install -y curl\nWORKDIR app\nCMD node main.js\n';
    const { exitCode, found } = await lint(['-'], wrong);
    expect(exitCode).toBe(1);
    expect(found.match(/DL\d+/g)?.toSorted()).toEqual(['DL3000', 'DL3007', 'DL3009', 'DL3015', 'DL3025']);
  });

  it.each(dockerfiles)('%s: its images end as nobody in particular, and nothing in it is added or secret', (name) => {
    expect(dockerfileFaults(readFileSync(join(ROOT, name), 'utf8'), IMAGES[name])).toEqual([]);
  });
});

it('a Dockerfile that ends as root, fetches what nobody checks, or has a secret is found', () => {
  const stages = 'FROM a AS one\nUSER 1:1\nFROM one AS two\nUSER root\nFROM two\nRUN true\n';
  expect(dockerfileFaults(stages, ['one', 'two', 'three'])).toEqual([
    'there is no stage three',
    'the image two ends as root, not as a number',
    'the image  ends as whoever its base has, not as a number',
  ]);
  const text =
    '# ADD x\nARG BASE=a\nFROM a\nADD https://example.com/a /a\nARG NPM_TOKEN\nENV A=b \\\n  C=d\nENV API_KEY=e\nUSER 0:0\n';
  expect(dockerfileFaults(text)).toEqual([
    'the image  ends as 0:0, not as a number',
    'ADD https://example.com/a /a: what it fetches is not checked',
    "ARG NPM_TOKEN would be a secret in the image's history",
    "ENV API_KEY would be a secret in the image's history",
  ]);
});
