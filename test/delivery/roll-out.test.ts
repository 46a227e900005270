import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../support/e2e/command.ts';
import { type FakePrograms, makeFakePrograms, runScript } from './fake-programs.ts';

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/matrx-sandbox-dev';
const SETTINGS = {
  TAG: 'abc1234',
  PRODUCT_REPOSITORY: `${ECR}/product`,
  SANDBOX_REPOSITORY: `${ECR}/sandbox`,
  INSTANCE_ID: 'i-0123456789abcdef0',
  POLL_MS: '1',
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-delivery-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (script: string, { path }: FakePrograms, variables: Readonly<Record<string, string>>) =>
  runScript(folder, [script], { PATH: path, ...variables });

/** Systems Manager that knows a command only from the second question on, and ends it with the third. */
const systemsManager = (status: string): Readonly<Record<string, string>> => ({
  aws: `
    case "$2" in
      send-command) for one in "$@"; do case "$one" in --parameters=*) echo "\${one#--parameters=}" >$state/parameters ;; esac; done
        echo 11111111-2222 ;;
      get-command-invocation) echo x >>$state/asked
        case $(wc -l <$state/asked) in
          1) echo 'An error occurred (InvocationDoesNotExist)' >&2; exit 255 ;;
          2) echo '{"Status":"InProgress"}' ;;
          *) echo '{"Status":"${status}","StatusDetails":"${status}","StandardOutputContent":"what the host printed","StandardErrorContent":"the journal"}' ;;
        esac ;;
    esac`,
});

describe('make roll-out', () => {
  it('sends the committed manifests and the script to the host, and waits for the end of the command [A9.4]', async () => {
    const programs = await makeFakePrograms(folder, systemsManager('Success'));
    const { exitCode, output } = await run('roll-out.ts', programs, SETTINGS);
    expect({ exitCode, output }).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining('what the host printed'),
    });
    const calls = await programs.calls();
    expect(calls.filter((call) => call.startsWith('aws ssm send-command'))).toHaveLength(1);
    expect(calls.filter((call) => call.startsWith('aws ssm get-command-invocation'))).toHaveLength(3);

    // What the host would run, up to the script itself.
    const { stdout } = await runCommand('cat', [join(folder, 'state/parameters')], { deadlineMs: 120_000 });
    const { commands } = JSON.parse(stdout.toString()) as { readonly commands: readonly string[] };
    const unpack = [...commands.slice(0, -1), 'cd "$release"; find . -type f'].join('\n');
    const files = await runCommand('sh', ['-c', unpack], { deadlineMs: 120_000 });
    expect(files.stdout.toString()).toContain('./crds/kustomization.yaml');
    for (const part of ['base', 'components/spread', 'overlays/aws-single-node', 'overlays/aws-multi-node']) {
      expect(files.stdout.toString()).toContain(`./manifests/${part}/kustomization.yaml`);
    }
    expect(files.stdout.toString()).toContain('./scripts/roll-out-host.sh');
    expect(commands.at(-1)).toMatch(
      /^REVISION=[0-9a-f]{40} PRODUCT_IMAGE=\S+\/product:abc1234 SANDBOX_IMAGE=\S+\/sandbox:abc1234 bash /,
    );
  });

  it.each(['Failed', 'TimedOut', 'Cancelled'])(
    'fails with what the host said when the command is %s [A9.4]',
    async (status) => {
      const programs = await makeFakePrograms(folder, systemsManager(status));
      const { exitCode, output } = await run('roll-out.ts', programs, SETTINGS);
      expect({ exitCode, output }).toMatchObject({ exitCode: 1, output: expect.stringContaining(`FAILED: ${status}`) });
      expect(output).toContain('the journal');
    },
  );

  it.each([
    [{ INSTANCE_ID: '' }, 'INSTANCE_ID is not set'],
    [{ INSTANCE_ID: 'i-0;reboot' }, 'INSTANCE_ID is "i-0;reboot"'],
    [{ TAG: '$(reboot)' }, 'TAG is "$(reboot)"'],
    [{ PRODUCT_REPOSITORY: 'product' }, 'PRODUCT_REPOSITORY is "product"'],
  ])('with %j asks nobody anything', async (variables, message) => {
    const programs = await makeFakePrograms(folder, systemsManager('Success'));
    const { exitCode, output } = await run('roll-out.ts', programs, { ...SETTINGS, ...variables });
    expect({ exitCode, output }).toMatchObject({ exitCode: 1, output: expect.stringContaining(message) });
    expect(await programs.calls()).toEqual([]);
  });
});

describe('make push-images', () => {
  const engine = (pull: string): Readonly<Record<string, string>> => ({
    aws: 'echo a-password-of-twelve-hours',
    docker: `
      case "$1" in
        login) cat >$state/password ;;
        pull) ${pull} ;;
        image) echo "[\\"\${@: -1}@other\\",\\"$(echo "\${@: -1}" | cut -d: -f1)@sha256:${'0'.repeat(64)}\\"]" ;;
      esac`,
  });

  it('leaves a tag that is in the registry as it is: tags do not move [A9.4]', async () => {
    const programs = await makeFakePrograms(folder, engine('exit 0'));
    const { exitCode, output } = await run('push-images.ts', programs, SETTINGS);
    expect({ exitCode, output }).toMatchObject({ exitCode: 0, output: expect.stringContaining('is in the registry') });
    const calls = await programs.calls();
    expect(calls).toContain('aws ecr get-login-password --region eu-west-1');
    expect(calls).toContain(`docker login --username AWS --password-stdin ${ECR.split('/')[0]}`);
    expect(calls.filter((call) => call.startsWith('docker push'))).toEqual([]);
    const { stdout } = await runCommand('cat', [join(folder, 'images.json'), join(folder, 'state/password')], {
      deadlineMs: 120_000,
    });
    expect(stdout.toString()).toContain(`"product": "${ECR}/product@sha256:`);
    expect(stdout.toString()).toContain('a-password-of-twelve-hours');
  });

  it('does not take a registry that refuses for one that lacks the image', async () => {
    const programs = await makeFakePrograms(folder, engine('echo denied: no basic auth credentials >&2; exit 1'));
    const { exitCode, output } = await run('push-images.ts', programs, SETTINGS);
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('no basic auth credentials'),
    });
  });
});
