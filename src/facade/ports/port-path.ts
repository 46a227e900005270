import { problemError } from '../problem.ts';
import { parsePort } from './preview-host.ts';

export interface PortPath {
  /** What of a request's address is the port's, with the query. */
  readonly path: string;
  /** What stands before that. */
  readonly prefix: string;
  /** Whether not even the slash of the root is there. */
  readonly isBare: boolean;
}

/** Of `/sandboxes/<id>/ports/<port>/<path>?<query>`, as it came. */
export const portPath = (url: string): PortPath => {
  const [, prefix = '', rest = ''] = /^(?:https?:\/\/[^/?]*)?((?:\/[^/?]*){4})(.*)$/is.exec(url) ?? [];
  const isBare = !rest.startsWith('/');
  return { path: isBare ? `/${rest}` : rest, prefix, isBare };
};

export const requirePort = (text: string): number => {
  const port = parsePort(text);
  if (port === undefined) throw problemError('bad-request', `${JSON.stringify(text)} is no port`);
  return port;
};
