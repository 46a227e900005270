import type { FacadeContext } from './request-state.ts';

/** The query's parameters; of one that is given several times, the last. */
export const queryOf = (context: FacadeContext): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(context.querystring));
