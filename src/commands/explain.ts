import type { Command } from 'commander';

export interface ExplainOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly systemNamespace: string;
  readonly json?: boolean;
}

/** What the controller sees of a Sandbox and would do about it, with the rights of the person's own kubeconfig. */
export const registerExplainCommand = (program: Command): void => {
  program
    .command('explain')
    .description('what the controller sees of a Sandbox, what it would do next and why; changes nothing')
    .argument('<sandbox>', 'sbx/NAME, or NAME')
    .option('--kubeconfig <file>', 'default: KUBECONFIG, ~/.kube/config')
    .option('--context <name>', "default: the kubeconfig's current one")
    .option('-n, --namespace <name>', 'where the Sandboxes are', 'sandboxes')
    .option('--system-namespace <name>', 'where the product is installed', 'matrx-system')
    .option('--json', 'answer with JSON')
    .action(async (sandbox: string, options: ExplainOptions) => {
      process.exitCode = await (await import('./explain-sandbox.ts')).explainSandbox(sandbox, options);
    });
};
