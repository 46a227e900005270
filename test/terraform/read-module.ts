import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseHcl } from './parse-hcl.ts';

/** What stands between the braces. */
const body = z.record(z.string(), z.unknown());
const named = z.record(z.string(), z.array(body)).default({});
const typed = z.record(z.string(), z.record(z.string(), z.array(body))).default({});
const list = z.array(body).default([]);

const file = z.strictObject({
  data: typed,
  locals: list,
  output: named,
  provider: named,
  resource: typed,
  terraform: list,
  variable: named,
});

/** The blocks that a test names: `kind` is `resource` or `data`, or one without a type. */
export interface Block {
  readonly kind: string;
  /** Empty where such a block has none: a variable, an output. */
  readonly type: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Module {
  readonly blocks: readonly Block[];
  /** All files, without comments. */
  readonly text: string;
}

export const TERRAFORM = join(import.meta.dirname, '../../terraform');

/**
 * The .tf files of a folder, parsed without Terraform, so that this runs where neither it nor the provider can be had. Knows nothing of the provider's schema.
 */
export const readModule = async (folder = TERRAFORM): Promise<Module> => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.tf'));
  const texts = names.sort().map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const blocks = await Promise.all(texts.map(({ name, text }) => blocksOf(name, text)));
  return {
    blocks: blocks.flat(),
    text: texts.map(({ text }) => text.replaceAll(/^\s*#.*$/gm, '')).join('\n'),
  };
};

/** The blocks of one file. Rejects with the parser's message for what is no HCL, and for a kind of block not known here. */
export const blocksOf = async (name: string, text: string): Promise<readonly Block[]> => {
  const { data, output, provider, resource, terraform, variable } = file.parse(await parseHcl(name, text));
  const flat = (kind: string, type: string, of: z.infer<typeof named>): readonly Block[] =>
    Object.entries(of).flatMap(([key, bodies]) => bodies.map((one) => ({ kind, type, name: key, body: one })));
  const nested = (kind: string, of: z.infer<typeof typed>): readonly Block[] =>
    Object.entries(of).flatMap(([type, blocks]) => flat(kind, type, blocks));
  return [
    ...nested('data', data),
    ...nested('resource', resource),
    ...flat('output', '', output),
    ...flat('provider', '', provider),
    ...flat('variable', '', variable),
    ...flat('terraform', '', { settings: terraform }),
  ];
};

/** The one block of that name. */
export const blockOf = ({ blocks }: Module, kind: string, type: string, name: string): Block['body'] => {
  const found = blocks.find((one) => one.kind === kind && one.type === type && one.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} "${type}" "${name}" in ${TERRAFORM}`);
  return found.body;
};
