import { ANNOTATION_SSH_KEYS } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';
import { changeSandbox } from '../change-sandbox.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import { type AccessKey, isBacked, keysAnnotation, MAX_ACCESS_KEYS, unexpiredKeysOf } from './access-key.ts';

type Dependencies = Pick<FacadeDependencies, 'kube' | 'cache' | 'settings' | 'clock' | 'keyRing'>;
type Caller = Pick<RequestState, 'caller' | 'signal'>;

/**
 * Writes a key down; those that have expired go with the same write. One that is there already keeps its id and gets the
 * new time: what it has open stays open. Resolves with it as it was written. Throws what `require` throws of a Sandbox that
 * shall have none.
 */
export const addAccessKey = async (
  dependencies: Dependencies,
  state: Caller,
  { id, key, require }: { readonly id: string; readonly key: AccessKey; readonly require: (sandbox: Sandbox) => void },
): Promise<{ readonly sandbox: Sandbox; readonly key: AccessKey }> => {
  let written = key;
  const sandbox = await changeSandbox(dependencies, state, {
    id,
    decide: (before) => {
      require(before);
      const judge = { now: dependencies.clock.now(), keyRing: dependencies.keyRing };
      const known = unexpiredKeysOf(before, judge.now);
      const same = known.find(({ publicKey }) => publicKey === key.publicKey);
      const rest = known.filter((other) => other !== same);
      // This replica may not have heard yet of the API key behind one: such a one goes only where there is no room for it.
      const others = rest.length < MAX_ACCESS_KEYS ? rest : rest.filter((other) => isBacked(other, before, judge));
      if (others.length >= MAX_ACCESS_KEYS) {
        const detail = `Sandbox ${id} has ${MAX_ACCESS_KEYS} SSH keys that have not expired: revoke some (DELETE …/access/:key)`;
        throw problemError('too-many-access-keys', detail, { sandbox_id: id });
      }
      written = same === undefined ? key : { ...key, id: same.id, createdAt: same.createdAt };
      return { annotations: { [ANNOTATION_SSH_KEYS]: keysAnnotation([...others, written]) } };
    },
  });
  return { sandbox, key: written };
};

/** Takes a key away, and with it those that have expired. Throws 404 where there is none that still opens anything. */
export const removeAccessKey = async (
  dependencies: Dependencies,
  state: Caller,
  { id, keyId }: { readonly id: string; readonly keyId: string },
): Promise<Sandbox> =>
  changeSandbox(dependencies, state, {
    id,
    decide: (before) => {
      const known = unexpiredKeysOf(before, dependencies.clock.now());
      const left = known.filter((key) => key.id !== keyId);
      if (left.length === known.length) {
        throw problemError('not-found', `Sandbox ${id} has no SSH key ${keyId}`, { sandbox_id: id });
      }
      return { annotations: { [ANNOTATION_SSH_KEYS]: keysAnnotation(left) } };
    },
  });
