import { access } from 'node:fs/promises';
import type { Command } from 'commander';

export const registerEnvCommand = (program: Command): void => {
  program
    .command('env')
    .description('print what `up` made as export lines: eval "$(make -s env)"')
    .action(async () => {
      const { exportLines, localVariables } = await import('../local/environment.ts');
      const { openLocal } = await import('../local/open-local.ts');
      const local = openLocal();
      const hasPrograms = await access(local.paths.bin).then(
        () => true,
        () => false,
      );
      const lines = exportLines(await localVariables(local), { bin: hasPrograms ? local.paths.bin : undefined });
      process.stdout.write(`${lines.join('\n')}\n`);
    });
};
