import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand } from '../support/e2e/command.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.github/workflows');
/** The first build of a tool fetches its modules. */
const BUILD_MS = 600_000;

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
  readonly environment?: string;
  readonly 'timeout-minutes'?: number;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const texts = new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const));
const workflow = (name: string): Workflow => parse(texts.get(name) ?? '') as Workflow;
const stepsOf = ({ jobs }: Workflow): readonly Step[] => Object.values(jobs).flatMap(({ steps = [] }) => steps);
const names = [...texts.keys()];
const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
const targets = new Set([...makefile.matchAll(/^([a-z-]+):.*## /gm)].map(([, name]) => name));
const document = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');

describe('the workflows', () => {
  it(
    'are what GitHub takes: actionlint finds nothing',
    async () => {
      const files = names.map((name) => join(FOLDER, name));
      const { exitCode, stdout } = await runCommand(await goTool('actionlint'), ['-no-color', ...files], {
        deadlineMs: 60_000,
        cwd: ROOT,
      });
      expect({ exitCode, stdout: stdout.toString() }).toEqual({ exitCode: 0, stdout: '' });
    },
    BUILD_MS,
  );

  it('are three', () => {
    expect(names.toSorted()).toEqual(['ci.yml', 'deploy.yml', 'release.yml']);
  });

  it.each(names)('%s runs nothing but make targets, which work on a laptop', (name) => {
    for (const { run } of stepsOf(workflow(name))) {
      if (run === undefined) continue;
      const [, target] = /^(?:sudo --preserve-env=PATH )?make ([a-z-]+)(?: [A-Z_]+=\S+)*\n?$/.exec(run) ?? [];
      expect({ run, isTarget: targets.has(target) }).toEqual({ run, isTarget: true });
    }
  });

  it.each(names)('%s pins every action by its commit, with the version beside it', (name) => {
    const uses = [...(texts.get(name) ?? '').matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses)
      expect(action).toMatch(/^(\.\/\.github\/workflows\/\w+\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
  });

  it.each(names)('%s may do no more than read, but for the job that says why it may more', (name) => {
    const { permissions, jobs } = workflow(name);
    expect(permissions).toEqual({ contents: 'read' });
    const more = Object.entries(jobs).flatMap(([job, { permissions: own = {} }]) =>
      Object.entries(own).flatMap(([what, level]) => (level === 'write' ? [`${job} ${what}`] : [])),
    );
    const expected: Readonly<Record<string, readonly string[]>> = {
      'ci.yml': [],
      'deploy.yml': ['deploy id-token'],
      'release.yml': ['release contents', 'release id-token', 'release packages'],
    };
    expect(more.toSorted()).toEqual(expected[name]);
  });

  it.each(names)('%s leaves no token in the checkout, and every job ends in time', (name) => {
    const read = workflow(name);
    for (const step of stepsOf(read).filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
      expect(step.with).toMatchObject({ 'persist-credentials': false });
    }
    for (const job of Object.values(read.jobs).filter(({ uses }) => uses === undefined)) {
      expect(job['timeout-minutes']).toBeLessThanOrEqual(120);
    }
  });

  it('use no secret: who may come in is decided by tokens that GitHub makes for one run [A9.4]', () => {
    expect([...texts.values()].filter((text) => /secrets\.|aws-access-key-id|AWS_SECRET/.test(text))).toEqual([]);
    const steps = stepsOf(workflow('deploy.yml'));
    const login = steps.find(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'));
    expect(login?.with).toMatchObject({ 'role-to-assume': '${{ vars.AWS_ROLE_ARN }}' });
  });

  it('docs/ci.md says what each variable is, and names none that is not used', () => {
    const used = new Set(
      [...texts.values()].flatMap((text) => [...text.matchAll(/vars\.(\w+)/g)].map(([, one = '']) => one)),
    );
    const documented = new Set([...document.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, one = '']) => one));
    expect([...documented].toSorted()).toEqual([...used].toSorted());
  });
});

describe('ci.yml', () => {
  it('runs on every push to main and every pull request: all tests, both images with SBOM and scan, Terraform [A9.4]', () => {
    const { on, jobs } = workflow('ci.yml');
    expect(on).toMatchObject({ push: { branches: ['main'] }, pull_request: null });
    const runs = Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run?.trim() ?? []));
    expect(runs).toEqual([
      'sudo --preserve-env=PATH make test',
      'sudo --preserve-env=PATH make check',
      'sudo --preserve-env=PATH make simulate',
      'sudo --preserve-env=PATH make fuzz MINUTES=1',
      'make images',
      'make sbom',
      'make scan-images',
      'make terraform',
    ]);
  });
});

describe('deploy.yml', () => {
  it('runs by hand alone, for dev or prod, after all of ci.yml, and pushes before it rolls out [A9.4]', () => {
    const { on, jobs } = workflow('deploy.yml');
    expect(Object.keys(on)).toEqual(['workflow_dispatch']);
    expect(on).toMatchObject({ workflow_dispatch: { inputs: { environment: { options: ['dev', 'prod'] } } } });
    expect(jobs).toMatchObject({ test: { uses: './.github/workflows/ci.yml' }, deploy: { needs: 'test' } });
    expect(jobs['deploy']?.environment).toBe('${{ inputs.environment }}');
    expect((jobs['deploy']?.steps ?? []).flatMap(({ run }) => run?.trim() ?? [])).toEqual([
      'make push-images',
      'make roll-out',
    ]);
  });
});

it('nothing of the original owner’s release tooling is here: ship, env and tools scripts, Doppler, compose [A9.5]', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const foreign = /^(ship|env|tools)(:|$)|^env-|doppler|compose/i;
  expect([...Object.keys(scripts), ...targets].filter((name) => name !== 'env' && foreign.test(name ?? ''))).toEqual(
    [],
  );
  expect(Object.values(scripts).filter((command) => /doppler|ship\.ts|env-sync/i.test(command))).toEqual([]);
  expect(makefile).not.toMatch(/doppler|env-pull|env-push/i);
  const files = [...readdirSync(ROOT), ...readdirSync(join(ROOT, 'scripts'))];
  expect(files.filter((name) => /^(ship\.ts|env-sync\.sh|docker-compose.*|doppler.*)$/.test(name))).toEqual([]);
});
