import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../base/clock.ts';
import type { KeyRing } from './key-ring.ts';

/** facade_api_keys by state, and facade_api_key_malformed by the entry's name. */
export const makeKeyMetrics = (registry: Registry, ring: KeyRing, clock: Pick<Clock, 'now'>): void => {
  // A gauge registers itself, and lives as long as its registry.
  void new Gauge({
    name: 'facade_api_keys',
    help: 'API keys of the Secret, by state: valid, expired, malformed.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const keys = ring.keys();
      const expired = keys.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= clock.now()).length;
      this.set({ state: 'valid' }, keys.length - expired);
      this.set({ state: 'expired' }, expired);
      this.set({ state: 'malformed' }, ring.malformed().length);
    },
  });
  void new Gauge({
    name: 'facade_api_key_malformed',
    help: 'Entries of the Secret that are no API keys, and are refused.',
    labelNames: ['entry'],
    registers: [registry],
    collect() {
      this.reset();
      for (const entry of ring.malformed()) this.set({ entry }, 1);
    },
  });
};
