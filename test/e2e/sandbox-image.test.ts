import { expect } from '@jest/globals';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'the default image is a Debian with the tools an agent works with, for a user who is not root',
  90,
  async (cluster) => {
    const { name } = aSandbox('image');
    await cluster.start(aSandbox('image').named(name).ephemeral());
    expect(await cluster.shell(name, '. /etc/os-release; echo "$ID"; id -un; id -u; pwd')).toBe(
      'debian\nagent\n1000\n/home/agent\n',
    );
    const missing = await cluster.shell(
      name,
      'for tool in bash git python3 node npm curl jq rg; do "$tool" --version >/dev/null || echo "$tool"; done',
    );
    expect(missing).toBe('');
    expect(await cluster.shell(name, 'node --version')).toMatch(/^v24\./);
    // They work together, offline, without root.
    expect(
      await cluster.shell(
        name,
        `python3 -c 'print("{\\"answer\\": 42}")' | node -e 'process.stdin.pipe(process.stdout)' | jq .answer`,
      ),
    ).toBe('42\n');
    // What a command leaves behind is reaped: an orphan that has ended is nobody's zombie.
    await cluster.shell(name, '(sleep 0.01 &) ; (true &)');
    await cluster.shell(name, 'while ps -eo stat= | grep -q "^Z"; do :; done', { deadlineMs: 15_000 });
  },
);
