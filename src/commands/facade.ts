import type { Command } from 'commander';

export const registerFacadeCommand = (program: Command): void => {
  program
    .command('facade')
    .description('serve the REST API; any number of replicas')
    .action(async () => {
      const { runFacade } = await import('./run-facade.ts');
      process.exitCode = await runFacade();
    });
};
