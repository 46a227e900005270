import { type KeyRing, makeKeyRing } from '../../../src/facade/keys/key-ring.ts';
import type { Secret } from '../../../src/facade/keys/keys-secret.ts';
import { makeStore } from '../../../src/runtime/store.ts';
import { makeRecordingLog } from '../../support/recording-log.ts';

/** The real ring of a Secret that a test writes. */
export const makeTestKeyRing = (
  entries: Readonly<Record<string, string>>,
): { readonly ring: KeyRing; readonly write: (entries: Readonly<Record<string, string>>) => void } => {
  const store = makeStore<Secret>();
  let version = 0;
  let heard = (): void => undefined;
  const write = (data: Readonly<Record<string, string>>): void => {
    version += 1;
    const resourceVersion = String(version);
    store.put({ metadata: { name: 'matrx-api-keys', namespace: 'matrx-system', resourceVersion }, data });
    heard();
  };
  write(entries);
  const ring = makeKeyRing({
    informer: {
      store,
      onChange: (handler) => {
        heard = () => handler({ kind: 'added', object: store.list()[0] as Secret }, 'initial');
        heard();
      },
    },
    namespace: 'matrx-system',
    log: makeRecordingLog(),
  });
  return { ring, write };
};
