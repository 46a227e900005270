import type { IncomingMessage } from 'node:http';

/** The key that a request brings in this API's own header, whose name is a setting. An empty header is none: ''. */
export const keyInHeader = ({ headers }: Pick<IncomingMessage, 'headers'>, name: string): string => {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
};
