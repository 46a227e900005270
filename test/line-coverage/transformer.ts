import type { SyncTransformer, TransformerCreator } from '@jest/transform';
import swc from '@swc/jest';
import { makeInstrumenter } from './instrument.ts';

type Options = Parameters<typeof swc.createTransformer>[0];

/** Swc's transformer, of sources that count their statements. */
const createTransformer: TransformerCreator<SyncTransformer<Options>, Options> = (options) => {
  const transformer = swc.createTransformer(options) as Required<SyncTransformer<Options>>;
  const instrumenter = makeInstrumenter();
  const instrumented = (source: string, path: string): string => {
    const code = instrumenter.instrumentSync(source, path);
    const map = Buffer.from(JSON.stringify(instrumenter.lastSourceMap())).toString('base64');
    return `${code}\n//# sourceMappingURL=data:application/json;base64,${map}\n`;
  };
  return {
    canInstrument: false,
    process: (source, path, request) => transformer.process(instrumented(source, path), path, request),
    getCacheKey: (source, path, request) => `${transformer.getCacheKey(source, path, request)}-counts`,
  };
};
export default { createTransformer };
