import { Command, CommanderError } from 'commander';
import { registerCrdsCommand } from './crds.ts';
import { registerUpCommand } from './up.ts';

/**
 * argv → exit code. One file per command in this folder; each adds itself here, loads its parts only when it is run
 * (`await import`), and is the only place that builds its adapters. A long-running command's promise ends when it stops.
 */
export const runCli = async (args: readonly string[]): Promise<number> => {
  const program = new Command('matrx').description('matrx-sandbox').exitOverride();
  registerCrdsCommand(program);
  registerUpCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
};
