import type { FacadeContext } from './request-state.ts';

/** What a client prefers about waiting (RFC 7240). */
export interface Preference {
  /** Answer 202 at once. */
  readonly async: boolean;
  /** Seconds the client is ready to wait. */
  readonly wait?: number;
}

/** Longest wait anyone can ask for, in seconds. */
const MAX_WAIT = 600;

/** `Prefer: respond-async, wait=10`. What is not understood is ignored, as the RFC demands. */
export const parsePrefer = (header: string | undefined): Preference => {
  const preferences = (header ?? '').split(',').map((part) => part.split(';')[0]?.trim().toLowerCase() ?? '');
  const wait = preferences
    .map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1])
    .find((text) => text !== undefined);
  return {
    async: preferences.includes('respond-async'),
    ...(wait === undefined ? {} : { wait: Math.min(MAX_WAIT, Number(wait)) }),
  };
};

/** The value of Preference-Applied, undefined where nothing was preferred. */
export const preferenceApplied = (preference: Preference): string | undefined => {
  if (preference.async) return 'respond-async';
  return preference.wait === undefined ? undefined : `wait=${preference.wait}`;
};

/** What the request prefers; the answer says that it was heard. */
export const takePreference = (context: FacadeContext): Preference => {
  const preference = parsePrefer(context.get('prefer'));
  const applied = preferenceApplied(preference);
  if (applied !== undefined) context.set('Preference-Applied', applied);
  return preference;
};
