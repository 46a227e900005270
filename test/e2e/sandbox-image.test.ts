import { expect } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import { SANDBOX_CONTAINER } from '../../src/api/names.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const BIN = '/opt/sandbox/bin';

/** A sandbox of the default image with a home of its own that nobody keeps. */
const startSandbox = (cluster: Cluster): Promise<string> => cluster.start(aSandbox('image').ephemeral());

/** A command in the sandbox, whatever its exit code; `lines` is its standard output. */
const attempt = async (cluster: Cluster, name: string, command: readonly string[], deadlineMs = 60_000) => {
  const result = await cluster.kubectl.attempt(['exec', name, '-c', SANDBOX_CONTAINER, '--', ...command], {
    deadlineMs,
  });
  const lines = result.stdout.toString().trimEnd().split('\n');
  return { exitCode: result.exitCode, lines, last: lines.at(-1) };
};

scenario(
  'the default image is a Debian with the tools an agent works with, for a user who is not root [A6.1]',
  90,
  async (cluster) => {
    const name = await startSandbox(cluster);
    expect(await cluster.shell(name, '. /etc/os-release; echo "$ID $VERSION_ID"; id -un; id -u; pwd')).toBe(
      'debian 12\nagent\n1000\n/home/agent\n',
    );
    expect(await cluster.shell(name, 'node --version; python3 --version; aws --version')).toMatch(
      /^v24\..*\nPython 3\.11\..*\naws-cli\/2\./,
    );
    // They work together, offline, without root.
    expect(
      await cluster.shell(
        name,
        `python3 -c 'print("{\\"answer\\": 42}")' | node -e 'process.stdin.pipe(process.stdout)' | jq .answer`,
      ),
    ).toBe('42\n');
  },
);

scenario(
  'the default image passes its own smoke test, and no longer when one tool is broken [A5.4] [A6.1] [T11]',
  300,
  async (cluster) => {
    const name = await startSandbox(cluster);
    const whole = await attempt(cluster, name, [`${BIN}/smoke-test`], 200_000);
    expect(whole.lines.filter((line) => line.startsWith('FAILED'))).toEqual([]);
    expect(whole).toMatchObject({ exitCode: 0, last: expect.stringMatching(/^\d+ passed, 0 failed$/) });
    // A user's own program in front of the image's: the check of the program fails, and that of the tool that uses it.
    await cluster.shell(
      name,
      'mkdir -p .local/bin; printf "#!/bin/sh\\nexit 7\\n" >.local/bin/rg; chmod 755 .local/bin/rg',
    );
    const broken = await attempt(cluster, name, [`${BIN}/smoke-test`], 200_000);
    expect(broken).toMatchObject({ exitCode: 1, last: expect.stringMatching(/^\d+ passed, 2 failed$/) });
    const failures = broken.lines.filter((line) => line.startsWith('FAILED'));
    expect(failures).toEqual(['FAILED rg: exit code 7', expect.stringMatching(/^FAILED tool Grep: /)]);
  },
);

scenario('the health check and the admin shell of the default image work [A5.3] [A5.4]', 120, async (cluster) => {
  const name = await startSandbox(cluster);
  // Until the daemon listens, which on a busy machine is seconds after the container runs, it is NOT READY.
  const health = await eventually(
    'the health check knows',
    async () => {
      const answer = await attempt(cluster, name, [`${BIN}/healthcheck`]);
      return answer.exitCode === 3 ? undefined : answer;
    },
    { deadlineMs: 60_000, signal: cluster.signal },
  );
  expect(health).toMatchObject({ exitCode: 0, last: expect.stringMatching(/^HEALTHY/) });
  const homeless = await attempt(cluster, name, ['env', 'HOT_PATH=/nowhere', `${BIN}/healthcheck`]);
  expect(homeless).toMatchObject({ exitCode: 1, last: 'UNHEALTHY the home /nowhere is not there' });
  // The sandbox's own environment, also for a caller who brings none.
  const script = 'echo "$SANDBOX_ID $HOME $PWD $USER ${MATRX_SANDBOXD_KEYS-none}"; command -v node';
  const shell = await attempt(cluster, name, ['env', '-i', `${BIN}/admin-shell`, '-c', script]);
  expect(shell.lines).toEqual([`${name} /home/agent /home/agent agent none`, '/usr/local/bin/node']);
});

scenario('the scripts of the default image are clean for shellcheck', 90, async (cluster) => {
  const name = await startSandbox(cluster);
  await cluster.shell(name, `shellcheck ${BIN}/* /opt/sandbox/smoke.d/*.sh /usr/local/bin/aws`);
});

scenario('the tests of the Python SDK pass in the default image', 400, async (cluster) => {
  const name = await startSandbox(cluster);
  await cluster.shell(name, 'cd /opt/sandbox/sdk; python3 -m pytest --quiet', { deadlineMs: 300_000 });
});

scenario("the tests of the SDK's browser tools pass with the Chromium of the default image", 700, async (cluster) => {
  const name = await startSandbox(cluster);
  await cluster.shell(name, 'cd /opt/sandbox/sdk; python3 -m pytest --quiet tests/browser', { deadlineMs: 600_000 });
});

interface StatusOfPod extends KubeObject {
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly lastState?: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

scenario(
  'the first process of the default image reaps orphans, and ends on TERM without having to be killed [A5.1]',
  120,
  async (cluster) => {
    const name = await startSandbox(cluster);
    // What a command leaves behind is reaped: an orphan that has ended is nobody's zombie.
    await cluster.shell(name, '(sleep 0.01 &) ; (true &)');
    await cluster.shell(name, 'while ps -eo stat= | grep -q "^Z"; do :; done', { deadlineMs: 15_000 });
    await attempt(cluster, name, ['kill', '-TERM', '1']);
    const pod = await cluster.objectUntil<StatusOfPod>(
      PODS,
      name,
      'the container has been started again',
      (found) => found?.status?.containerStatuses?.[0]?.lastState?.terminated !== undefined,
    );
    // 137 would be KILL.
    expect([0, 143]).toContain(pod?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode);
  },
);
