import { jest } from '@jest/globals';
import { runCli } from '../../../src/commands/cli.ts';
import type { Ended } from '../../support/matrx.ts';

/** `matrx …` within this process, which is much faster than one of its own. */
export const runHere = async (args: readonly string[]): Promise<Ended> => {
  const said = { stdout: '', stderr: '' };
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((said.stdout += String(text)), true));
  const err = jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((said.stderr += String(text)), true));
  try {
    const code = await runCli(args);
    return { code, ...said };
  } finally {
    process.exitCode = undefined;
    out.mockRestore();
    err.mockRestore();
  }
};
