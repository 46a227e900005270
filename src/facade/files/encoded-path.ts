declare const encoded: unique symbol;

/**
 * A path in a sandbox as it goes into a query to its daemon (src/sandboxd/protocol/files.ts): percent-encoded bytes. So
 * the names of files need not be UTF-8, and nothing between the client and the kernel takes them apart.
 */
export type EncodedPath = string & { readonly [encoded]: true };

const branded = (text: string): EncodedPath => text as EncodedPath;

/** As an answer of this API has it in `encoded_path` and `next`. */
export const ENCODED_PATH = /^[A-Za-z0-9\-._~/%]+$/;

export const encodePath = (text: string): EncodedPath => branded(encodeURIComponent(text).replaceAll('%2F', '/'));

/** Of what matches ENCODED_PATH. */
export const asEncodedPath = (text: string): EncodedPath => branded(text);

/**
 * The path in a sandbox that a request's own path names, after its first `segments` parts: from the root, or from the
 * home where it begins with `~`. It is passed on as it came, and only what means something in a query is encoded.
 */
export const pathInUrl = (url: string, segments: number): EncodedPath => {
  // A proxy's client says the whole address.
  const [path = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  const rest = path.split('/').slice(segments + 1);
  const [first = ''] = rest;
  const fromHome = first === '~' || first.toUpperCase() === '%7E';
  const named = fromHome ? rest.slice(1).join('/') || '.' : `/${rest.join('/')}`;
  return branded(named.replaceAll(/[+&=#;]/g, (char) => encodeURIComponent(char)));
};

/** A query's parameter as it came; undefined where there is none, or it is empty. */
export const parameterAsItCame = (search: string, name: string): EncodedPath | undefined => {
  for (const pair of search.split('&')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at) === name && at + 1 < pair.length) {
      return branded(pair.slice(at + 1).replaceAll('=', '%3D'));
    }
  }
  return undefined;
};

/** The last part of a path, for people: what is no UTF-8 reads U+FFFD. */
export const lastName = (path: EncodedPath): string => {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const bytes = name.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
};
