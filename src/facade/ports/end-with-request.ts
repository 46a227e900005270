import type { Duplex } from 'node:stream';
import type { FacadeDependencies } from '../dependencies.ts';
import { ClientGone } from '../request-state.ts';

/** Milliseconds that a port gets to read what a client that has left had said to its end. */
const LINGER_MS = 60_000;

type EndDependencies = Pick<FacadeDependencies, 'clock' | 'shutdown'>;

/**
 * Ends a client's connection and the one to a port, which are joined, with the request (`signal`). If the client has left
 * after it had said all, the port still gets that: where the port had ended its side before, the client's end is the end of
 * its connection, and a port that reads slowly would miss the last of it.
 */
export const endWithRequest = (
  dependencies: EndDependencies,
  signal: AbortSignal,
  { client, port }: { readonly client: Duplex; readonly port: Duplex },
): void => {
  const end = (): void => {
    if (signal.reason instanceof ClientGone && client.readableEnded && client.errored === null) {
      return linger(dependencies, port);
    }
    client.destroy();
    port.destroy();
  };
  if (signal.aborted) return end();
  signal.addEventListener('abort', end, { once: true });
  port.once('close', () => signal.removeEventListener('abort', end));
};

const linger = ({ clock, shutdown }: EndDependencies, port: Duplex): void => {
  if (port.destroyed) return;
  // What it still says is for nobody, but must not keep it from coming to its end.
  port.resume();
  const closed = new AbortController();
  port.once('close', () => closed.abort());
  const destroy = (): void => void port.destroy();
  clock.sleep(LINGER_MS, AbortSignal.any([closed.signal, shutdown])).then(destroy, destroy);
};
