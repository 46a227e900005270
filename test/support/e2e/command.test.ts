import { expect, test } from '@jest/globals';
import { runCommand, succeed } from './command.ts';

const SOON = { deadlineMs: 120_000 };

test('a command resolves with its exit code and both outputs', async () => {
  const result = await runCommand('bash', ['-c', 'cat; echo bad >&2; exit 3'], { ...SOON, stdin: 'good' });
  expect({ ...result, stdout: result.stdout.toString() }).toEqual({ exitCode: 3, stdout: 'good', stderr: 'bad\n' });
});

test('succeed rejects with both outputs when the exit code is not 0', async () => {
  await expect(succeed('bash', ['-c', 'echo half; echo why >&2; exit 4'], SOON)).rejects.toThrow(
    /exit code 4\nhalf\nwhy/,
  );
});

test('the deadline ends a command and the children that hold its output open', async () => {
  await expect(runCommand('bash', ['-c', 'sleep 300 & sleep 300'], { deadlineMs: 100 })).rejects.toThrow(
    /no answer within 0\.1 s/,
  );
});

test('an aborted test ends its commands and starts no other', async () => {
  const over = new AbortController();
  const running = runCommand('sleep', ['300'], { ...SOON, signal: over.signal });
  over.abort();
  await expect(running).rejects.toThrow(/ended with the test/);
  await expect(runCommand('true', [], { ...SOON, signal: over.signal })).rejects.toThrow(/not started/);
});

test('a command that does not exist is named', async () => {
  await expect(runCommand('no-such-command', [], SOON)).rejects.toThrow(/no-such-command.*ENOENT/);
});
