import type { Command } from 'commander';

export const registerControllerCommand = (program: Command): void => {
  program
    .command('controller')
    .description('reconcile Sandboxes and Workspaces; one of several replicas leads')
    .action(async () => {
      const { runController } = await import('./run-controller.ts');
      process.exitCode = await runController();
    });
};
