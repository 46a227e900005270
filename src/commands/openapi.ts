import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';

/** The REST API's OpenAPI document as a file has it: what docs/openapi.json must hold. */
export const openApiFile = async (apiKeyHeader = 'X-API-Key'): Promise<string> => {
  const [{ describedApi }, { default: packageJson }] = await Promise.all([
    import('../facade/openapi/described-api.ts'),
    import('../../package.json', { with: { type: 'json' } }),
  ]);
  return `${JSON.stringify(describedApi({ version: packageJson.version, apiKeyHeader }), null, 2)}\n`;
};

interface OpenApiOptions {
  readonly write?: string;
  readonly apiKeyHeader: string;
}

export const registerOpenApiCommand = (program: Command): void => {
  program
    .command('openapi')
    .description('print the OpenAPI 3.1 document of the REST API; no cluster is needed')
    .option('--write <file>', 'the file to write it to instead')
    .option('--api-key-header <name>', 'the header that the facade takes API keys in', 'X-API-Key')
    .action(async ({ write, apiKeyHeader }: OpenApiOptions) => {
      const text = await openApiFile(apiKeyHeader);
      if (write === undefined) process.stdout.write(text);
      else await writeFile(write, text);
    });
};
