import { Command, CommanderError } from 'commander';
import { registerControllerCommand } from './controller.ts';
import { registerCrdsCommand } from './crds.ts';
import { registerDownCommand } from './down.ts';
import { registerEnvCommand } from './env.ts';
import { registerExplainCommand } from './explain.ts';
import { registerFacadeCommand } from './facade.ts';
import { registerImageCommand } from './image.ts';
import { registerKeyCommand } from './key.ts';
import { registerNodeCommand } from './node.ts';
import { registerOpenApiCommand } from './openapi.ts';
import { registerUpCommand } from './up.ts';
import { registerWorkspaceCommand } from './workspace.ts';

/**
 * argv → exit code. One file per command in this folder; each adds itself here, loads its parts only when it is run
 * (`await import`), and is the only place that builds its adapters. A long-running command's promise ends when it stops.
 */
export const runCli = async (args: readonly string[]): Promise<number> => {
  const program = new Command('matrx').description('matrx-sandbox').exitOverride();
  registerControllerCommand(program);
  registerCrdsCommand(program);
  registerFacadeCommand(program);
  registerNodeCommand(program);
  registerOpenApiCommand(program);
  registerUpCommand(program);
  registerImageCommand(program);
  registerEnvCommand(program);
  registerDownCommand(program);
  registerWorkspaceCommand(program);
  registerKeyCommand(program);
  registerExplainCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    // By name, as its module brings zod along. A setting is no fault of the program: no stack, which hides the message.
    if (error instanceof Error && error.name === 'ConfigError') {
      process.stderr.write(`matrx: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
};
