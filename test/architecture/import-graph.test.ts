import { describe, expect, it } from '@jest/globals';
import { violations } from './rules.ts';
import { importsOf, readSources, type SourceFile } from './source-file.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

const file = (path: string, text = ''): SourceFile => ({ path, text });

/** A tree in which everything is as it should be. */
const SOUND: readonly SourceFile[] = [
  file('src/main.ts', "import { runCli } from './commands/cli.ts';\n"),
  file('src/commands/cli.ts', "import { app } from '../facade/app.ts';\nimport { Command } from 'commander';\n"),
  file('src/facade/app.ts', "import Koa from 'koa';\nimport type { Clock } from '../base/clock.ts';\n"),
  file('src/base/clock.ts', '/** Never process.env. */\nexport const clock = 1;\n'),
  file('src/kube/client.ts', "import { KubeConfig } from '@kubernetes/client-node/dist/config.js';\n"),
  file('src/kube/errors.ts'),
  file(
    'src/runtime/store.ts',
    "import { type Client } from '../kube/client.ts';\nimport { KubeError } from '../kube/errors.ts';\n",
  ),
  file('src/telemetry/tracing.ts', "const { y } = await import('./otlp/y.ts');\n"),
  file('src/telemetry/otlp/y.ts', "import { trace } from '@opentelemetry/api';\n"),
  file('src/config/load.ts', 'export const env = process.env;\n'),
  file('src/workspace/s3/store.ts', "import { S3Client } from '@aws-sdk/client-s3';\n"),
  file('test/facade/app.test.ts'),
];

const withFile = (path: string, text: string): readonly SourceFile[] => [
  ...SOUND.filter((one) => one.path !== path),
  file(path, text),
];

describe('the rules of the source tree', () => {
  it('find nothing wrong with a sound tree', () => {
    expect(violations(SOUND)).toEqual([]);
  });

  it.each([
    ['an import upwards', 'src/base/x.ts', "import { app } from '../facade/app.ts';", /may import only nothing/],
    ['a re-export upwards', 'src/base/x.ts', "export * from '../kube/client.ts';", /may import only nothing/],
    ['a type upwards', 'src/base/x.ts', "import type { Client } from '../kube/client.ts';", /may import only nothing/],
    [
      'an import over lines',
      'src/base/x.ts',
      "import {\n  app,\n} from '../facade/app.ts';",
      /may import only nothing/,
    ],
    [
      'a lazy import upwards',
      'src/base/x.ts',
      "const a = await import('../facade/app.ts');",
      /may import only nothing/,
    ],
    ['a computed import', 'src/base/x.ts', 'const a = await import(name);', /computed/],
    ['an unknown folder', 'src/extra/x.ts', "import { clock } from '../base/clock.ts';", /not in the import table/],
    [
      'main doing more than starting',
      'src/main.ts',
      "import { app } from './facade/app.ts';",
      /may import only commands/,
    ],
    ['an adapter in the runtime', 'src/runtime/x.ts', "import { make } from '../kube/client.ts';", /only types/],
    ['a file that is not there', 'src/facade/x.ts', "import { y } from './y.ts';", /does not exist/],
    ['an import without its ending', 'src/facade/x.ts', "import { y } from './app';", /without \.ts/],
    [
      'an import of a test',
      'src/facade/x.ts',
      "import { y } from '../../test/facade/app.test.ts';",
      /not part of the product/,
    ],
    [
      'Kubernetes elsewhere',
      'src/facade/x.ts',
      "import { KubeConfig } from '@kubernetes/client-node';",
      /only src\/kube\//,
    ],
    [
      'AWS elsewhere',
      'src/workspace/x.ts',
      "import { S3Client } from '@aws-sdk/client-s3';",
      /only src\/workspace\/s3\//,
    ],
    ['Docker elsewhere', 'src/local/x.ts', "import Docker from 'dockerode';", /only src\/docker\//],
    [
      'OpenTelemetry elsewhere',
      'src/facade/x.ts',
      "import { trace } from '@opentelemetry/api';",
      /only src\/telemetry\/otlp\//,
    ],
    [
      'OpenTelemetry where it is loaded in any case',
      'src/telemetry/x.ts',
      "import { y } from './otlp/y.ts';",
      /only by a dynamic import/,
    ],
    ['a side effect', 'src/facade/x.ts', "import 'dockerode';", /only src\/docker\//],
    ['the environment', 'src/facade/x.ts', 'const { HOME } = process.env;', /only src\/config does/],
    ['a default export', 'src/facade/x.ts', 'export default 1;', /default export/],
    ['a long file', 'src/facade/x.ts', 'const a = 1;\n'.repeat(301), /301 lines/],
    ['a vague name', 'src/facade/string-utils.ts', '', /says nothing/],
    ['a vague folder', 'src/facade/common/x.ts', '', /says nothing/],
    ['a vague name of a test', 'test/facade/helpers.ts', '', /says nothing/],
    ['a capital letter', 'src/facade/sandboxStatus.ts', '', /kebab-case/],
  ])('find %s', (_what, path, text, message) => {
    expect(violations(withFile(path, text))).toEqual([expect.stringMatching(message)]);
  });

  it('do not take a comment for an import', () => {
    const text = "/**\n * import { app } from '../facade/app.ts';\n */\n// import { app } from '../facade/app.ts';\n";
    expect(violations(withFile('src/base/x.ts', text))).toEqual([]);
  });

  it('see every kind of import', () => {
    const text = [
      "import a from 'a';",
      "import type { B } from 'b';",
      "import { type C, type D } from 'c';",
      "import { type E, f } from 'd';",
      "export { g } from 'e';",
      "export * as h from 'f';",
      "import 'g';",
      "const i = await import('h');",
      "import j from './j.json' with { type: 'json' };",
    ].join('\n');
    expect(
      importsOf(file('src/x.ts', text)).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`),
    ).toEqual(['a', 'b type', 'c type', 'd', 'e', 'f', 'g', './j.json', 'h']);
  });
});

describe('this repository', () => {
  it('keeps the rules of the source tree', () => {
    const sources = readSources(ROOT, ['src', 'test', 'scripts']);
    expect(sources.length).toBeGreaterThan(100);
    expect(violations(sources)).toEqual([]);
  });
});
