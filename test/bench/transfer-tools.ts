import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Environment } from '../support/e2e/environment.ts';
import { runCommand, succeed } from '../support/e2e/command.ts';
import type { BenchContext } from './context.ts';
import { type Measurement, secondsMeasured } from './measurement.ts';

interface Tool {
  readonly name: string;
  readonly command: string;
  readonly probe: readonly string[];
  readonly copy: (from: Place, to: Place, endpoint: string | undefined) => readonly string[];
}

type Place = { readonly folder: string } | { readonly bucket: string; readonly prefix: string };

const awsPlace = (place: Place): string => ('folder' in place ? place.folder : `s3://${place.bucket}/${place.prefix}`);
const rclonePlace = (place: Place): string =>
  'folder' in place ? place.folder : `:s3,provider=Other,env_auth:${place.bucket}/${place.prefix}`;

const TOOLS: readonly Tool[] = [
  {
    name: 'rclone',
    command: 'rclone',
    probe: ['version'],
    copy: (from, to, endpoint) => [
      'copy',
      '--config',
      '',
      '--transfers',
      '64',
      '--checkers',
      '64',
      '--s3-no-check-bucket',
      ...(endpoint === undefined ? [] : ['--s3-endpoint', endpoint]),
      rclonePlace(from),
      rclonePlace(to),
    ],
  },
  {
    name: 'aws-cli',
    command: 'aws',
    probe: ['--version'],
    copy: (from, to, endpoint) => [
      ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint]),
      's3',
      'cp',
      '--recursive',
      '--only-show-errors',
      awsPlace(from),
      awsPlace(to),
    ],
  },
];

/** The same data with the programs that people use for it, where they are on the machine: once each, they are slow. */
export const measureTools = async (setting: {
  readonly name: string;
  readonly folder: string;
  readonly prefix: string;
  readonly fill: (folder: string) => Promise<void>;
  readonly context: BenchContext;
}): Promise<readonly Measurement[]> => {
  const { name, folder, prefix, fill, context } = setting;
  const env = toolEnvironment(context.environment);
  const bucket = context.environment.MATRX_S3_BUCKET;
  const endpoint = context.environment.AWS_ENDPOINT_URL_S3;
  const measurements: Measurement[] = [];
  for (const tool of TOOLS) {
    const { signal } = context;
    const found = await runCommand(tool.command, tool.probe, { deadlineMs: 20_000, signal, env }).catch(
      () => undefined,
    );
    if (found?.exitCode !== 0) {
      context.say(`   ${tool.name} is not on this machine`);
      continue;
    }
    const source = join(folder, tool.name, 'source');
    const copied = join(folder, tool.name, 'copied');
    const remote = { bucket, prefix: `${prefix}${tool.name}/` };
    await mkdir(source, { recursive: true });
    await fill(source);
    for (const [what, from, to] of [
      ['upload', { folder: source }, remote],
      ['download', remote, { folder: copied }],
    ] as const) {
      await succeed('sync', [], { deadlineMs: 120_000, signal });
      const startedAt = systemClock.monotonic();
      await succeed(tool.command, tool.copy(from, to, endpoint), { deadlineMs: 600_000, signal, env });
      const seconds = (systemClock.monotonic() - startedAt) / 1000;
      context.say(`   ${tool.name}: ${what} ${seconds.toFixed(2)} s`);
      measurements.push(secondsMeasured(`${name}-${what}-by-${tool.name}`, [seconds]));
    }
  }
  return measurements;
};

/** The machine's own environment without a CA bundle, which would take the place of every other certificate. */
const toolEnvironment = (environment: Environment): NodeJS.ProcessEnv => {
  const { AWS_CA_BUNDLE: _bundle, ...rest } = process.env;
  return { ...rest, ...environment };
};
