import { createInstrumenter, type Instrumenter } from 'istanbul-lib-instrument';

/** What makes a source count which of its statements run, in `__coverage__` of the global object that it runs with. */
export const makeInstrumenter = (): Instrumenter =>
  createInstrumenter({ esModules: true, produceSourceMap: true, parserPlugins: ['typescript'] });
