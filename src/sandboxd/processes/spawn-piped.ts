import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Child, ChildInput, Program, TakeOutput } from './child.ts';
import { type OutputSource, pipeSource, streamSource } from './output-source.ts';
import { closePipe, type Pipe, type Pipes } from './pipes.ts';
import { spawnProblem } from './spawn-problem.ts';
import { exitOf, startProgram } from './start-program.ts';

/**
 * Starts a program with pipes for its outputs, and for its input, if there is one; otherwise that is /dev/null. Throws a
 * DaemonError.
 */
export const spawnPiped = async (program: Program, pipes: Pipes, take: TakeOutput): Promise<Child> => {
  const taken: Pipe[] = [];
  while (taken.length < (program.stdin ? 3 : 2)) {
    const pipe = await pipes.take();
    if (pipe === undefined) break;
    taken.push(pipe);
  }
  const [stdout, stderr, stdin] = taken;
  if (stdout === undefined || stderr === undefined || (program.stdin && stdin === undefined)) {
    taken.forEach(closePipe);
    return spawnWithSockets(program, take);
  }
  let child: ChildProcess;
  try {
    child = await startProgram(program, [stdin?.readFd ?? 'ignore', stdout.writeFd, stderr.writeFd]);
  } catch (error) {
    taken.forEach(closePipe);
    throw spawnProblem(error, program);
  }
  closeSync(stdout.writeFd);
  closeSync(stderr.writeFd);
  if (stdin !== undefined) closeSync(stdin.readFd);
  return childOf(
    child,
    [
      pipeSource(stdout.readFd, (bytes) => take('stdout', bytes)),
      pipeSource(stderr.readFd, (bytes) => take('stderr', bytes)),
    ],
    stdin === undefined ? undefined : new Socket({ fd: stdin.writeFd, readable: false, writable: true }),
  );
};

/** Where no pipe can be made: all is as with pipes, but that the child cannot open its streams by name. */
const spawnWithSockets = async (program: Program, take: TakeOutput): Promise<Child> => {
  try {
    const child = await startProgram(program, [program.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe']);
    return childOf(
      child,
      [
        streamSource(child.stdout as Readable, (bytes) => take('stdout', bytes)),
        streamSource(child.stderr as Readable, (bytes) => take('stderr', bytes)),
      ],
      child.stdin ?? undefined,
    );
  } catch (error) {
    throw spawnProblem(error, program);
  }
};

const childOf = (child: ChildProcess, sources: readonly OutputSource[], input: Writable | undefined): Child => ({
  pid: child.pid as number,
  input: input === undefined ? undefined : inputOf(input),
  exited: exitOf(child),
  outputEnded: Promise.all(sources.map(({ ended }) => ended)).then(() => undefined),
  pause: () => sources.forEach((source) => source.pause()),
  resume: () => sources.forEach((source) => source.resume()),
  letGo: () => {
    input?.destroy();
    sources.forEach((source) => source.drain());
  },
  destroy: () => {
    input?.destroy();
    sources.forEach((source) => source.destroy());
  },
});

const inputOf = (stream: Writable): ChildInput => {
  // Said to whoever writes.
  stream.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    end: () =>
      new Promise((resolve) => {
        if (stream.destroyed) resolve();
        stream.once('close', resolve);
        stream.end();
      }),
  };
};
