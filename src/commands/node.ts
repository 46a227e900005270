import type { Command } from 'commander';

export const registerNodeCommand = (program: Command): void => {
  program
    .command('node')
    .description('serve kubelet as CSI node driver: restore, mount and commit the homes on this node')
    .action(async () => {
      const { runNode } = await import('./run-node.ts');
      process.exitCode = await runNode();
    });
};
