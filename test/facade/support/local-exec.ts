import { spawn } from 'node:child_process';
import type { ExecOptions, ExecResult, ExecTarget } from '../../../src/kube/client.ts';
import { KubeError } from '../../../src/kube/errors.ts';

/**
 * KubeClient.exec on this machine. Like a container runtime it waits for the end of the output and not just of the
 * program, and like the API server it leaves the program alone when its connection ends.
 */
export const localExec = (target: ExecTarget, { signal, maxBytes }: ExecOptions): Promise<ExecResult> =>
  new Promise((resolve, reject) => {
    const [program = '', ...args] = target.command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout = collect(child.stdout, maxBytes);
    const stderr = collect(child.stderr, maxBytes);
    signal?.addEventListener('abort', () => reject(new KubeError('Aborted', 'aborted')), { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ exitCode: code ?? 255, stdout: stdout(), stderr: stderr(), truncated: false });
    });
    // Killed before it has read all of it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(target.stdin ?? '');
  });

const collect = (stream: NodeJS.ReadableStream, maxBytes: number): (() => Buffer) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).subarray(0, maxBytes);
};
