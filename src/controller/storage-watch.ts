import { STORAGE_CONFIG_MAP } from '../api/names.ts';
import type { HealthCheck, HealthState } from '../runtime/health.ts';
import { type Informer, makeInformer } from '../runtime/informer.ts';
import { keyOf } from '../runtime/object-key.ts';
import { CONFIG_MAPS } from '../kube/resource-types.ts';
import type { CachesOptions } from './caches.ts';
import { type ConfigMap, storageState } from './storage-state.ts';

export interface StorageWatchOptions extends Omit<CachesOptions, 'namespace'> {
  readonly systemNamespace: string;
  /** Named in messages. */
  readonly bucket: string | undefined;
}

export interface StorageWatch {
  readonly informer: Informer<ConfigMap>;
  /** For /readyz: a controller that starts sandboxes which no node can restore is not ready. */
  readonly check: HealthCheck;
}

/** Follows what the node drivers report of the bucket, and logs each turn of it. */
export const makeStorageWatch = ({ systemNamespace, bucket, ...options }: StorageWatchOptions): StorageWatch => {
  const informer = makeInformer<ConfigMap>({
    ...options,
    type: CONFIG_MAPS,
    selection: { namespace: systemNamespace, fieldSelector: `metadata.name=${STORAGE_CONFIG_MAP}` },
  });
  const state = (): HealthState => storageState(informer.store.get(keyOf(systemNamespace, STORAGE_CONFIG_MAP)), bucket);
  let told: string | undefined;
  const tell = (): void => {
    const { ok, message } = state();
    if (message === told) return;
    told = message;
    options.log[ok ? 'info' : 'error']({ bucket, ok }, message);
  };
  informer.onChange(tell);
  informer.synced.then(tell, () => undefined);
  return { informer, check: { name: 'storage', check: state } };
};
