import { createRequire } from 'node:module';

interface Parser {
  readonly parse: (name: string, text: string) => Promise<unknown>;
}

/** Not imported: the types of the package bring in those of a browser, and then fetch and streams are not Node's. */
const { parse } = createRequire(import.meta.url)('@cdktn/hcl2json') as Parser;

/**
 * HashiCorp's own parser, as WebAssembly. Nested blocks are lists of bodies, keys are sorted, and expressions are texts
 * such as `${var.name}`. Rejects with the parser's message for what is no HCL; `name` is for that message.
 */
export const parseHcl = parse;
