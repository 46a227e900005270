import { networkOf } from '../limits/client-network.ts';

/** Clients that have not yet proven who they are: a handshake costs some milliseconds of this process. */
const MAX_UNKNOWN = 100;
/** Of one address: otherwise whoever says nothing could hold all of the places, and nobody else would come in. */
const MAX_FROM_ONE = 10;

export interface UnknownClients {
  /** Takes a place; what gives it back, once. Undefined where there is none. */
  readonly take: (ip: string) => (() => void) | undefined;
  readonly count: () => number;
}

export const makeUnknownClients = (): UnknownClients => {
  const places = new Map<string, number>();
  let total = 0;
  return {
    count: () => total,
    take: (ip) => {
      const network = networkOf(ip);
      const before = places.get(network) ?? 0;
      if (total >= MAX_UNKNOWN || before >= MAX_FROM_ONE) return undefined;
      places.set(network, before + 1);
      total += 1;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        total -= 1;
        const left = (places.get(network) ?? 0) - 1;
        if (left > 0) places.set(network, left);
        else places.delete(network);
      };
    },
  };
};
