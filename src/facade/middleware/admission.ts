import type { RequestState } from '../request-state.ts';

/** A request whose caller is known and may ask for something now. */
export interface Admission {
  readonly state: RequestState;
  /** Those that say how many requests the caller has left. */
  readonly headers: Readonly<Record<string, string>>;
}
