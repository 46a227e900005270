import { generateKeyPairSync } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BytePath,
  encodePath,
  fromFs,
  fromText,
  isWithin,
  parentOf,
  pathParameter,
  resolvePath,
  toFs,
} from '../../src/sandboxd/files/byte-path.ts';
import { signAccessToken } from '../../src/sandboxd/protocol/access-token.ts';
import { DaemonError, statusOf, toProblem } from '../../src/sandboxd/protocol/problem.ts';
import { startSandboxd } from '../../src/sandboxd/sandboxd.ts';

const POD_UID = 'fuzz';
/** Those whose query names a path. */
const PARAMETERS = ['path', 'from', 'to'];
const FILE_PATHS: ReadonlySet<string> = new Set(
  ['files', 'stat', 'entries', 'directories', 'move', 'archive'].map((name) => `/matrx/${name}`),
);

export interface ConfinedFiles {
  /** Below which everything is that anybody can ask for. */
  readonly root: string;
  readonly serves: (pathname: string) => boolean;
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  readonly close: () => Promise<void>;
}

/**
 * The files of the real daemon, where random words can do no harm: every path is taken to be below a temporary folder, and
 * none leads out of it. The folder itself and its home stay.
 */
export const startConfinedFiles = async (): Promise<ConfinedFiles> => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'matrx-fuzz-')));
  const home = join(root, 'home', 'agent');
  mkdirSync(home, { recursive: true });
  for (const name of ['notes.txt', 'data.csv']) writeFileSync(join(home, name), `${name} of the fuzzed sandbox\n`);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const server = await startSandboxd({
    host: '127.0.0.1',
    port: 0,
    keys: [publicKey],
    podUid: POD_UID,
    home,
    environment: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home },
  });
  const confine = makeConfinement(fromText(root), fromText(home));
  return {
    root,
    serves: (pathname) => FILE_PATHS.has(pathname),
    serve: (request, response) => {
      try {
        const token = signAccessToken(privateKey, { podUid: POD_UID, now: Date.now(), lifetimeMs: 60_000 });
        const { connection: _connection, ...headers } = request.headers;
        const sent = httpRequest({
          host: '127.0.0.1',
          port: server.address().port,
          method: request.method,
          path: confine(request),
          headers: { ...headers, authorization: `Bearer ${token}` },
        });
        sent.once('response', (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        });
        sent.on('error', () => response.destroy());
        request.pipe(sent);
      } catch (error) {
        request.resume();
        const problem = toProblem(error);
        response.writeHead(statusOf(problem), { 'content-type': 'application/json' }).end(JSON.stringify(problem));
      }
    },
    close: async () => {
      await server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
};

/** A request's target with its paths below `root`. Throws a DaemonError for what would leave or take away too much. */
const makeConfinement = (root: BytePath, home: BytePath) => {
  const below = (path: BytePath): BytePath => {
    const absolute = resolvePath(home, path);
    return isWithin(root, absolute) ? absolute : fromText(`${root}${absolute}`.replace(/\/$/, ''));
  };
  return ({ url = '/', method }: IncomingMessage): string => {
    const [pathname = '/', query = ''] = url.split('?', 2);
    const pairs = query.split('&').map((pair) => {
      const [name = ''] = pair.split('=', 1);
      const given = PARAMETERS.includes(name) ? pathParameter(`?${pair}`, name) : undefined;
      if (given === undefined) return pair;
      const path = below(given);
      const goes = (method === 'DELETE' || pathname === '/matrx/move') && isWithin(path, home);
      if (goes || !isWithin(root, realPathOf(path))) {
        throw new DaemonError('permission_denied', 'this is beyond the folder of the fuzzed sandbox');
      }
      return `${name}=${encodePath(path)}`;
    });
    return `${pathname}?${pairs.join('&')}`;
  };
};

/** Where it leads, as far as it is there. A link to what is not there leads to nothing that may be made. */
const realPathOf = (path: BytePath): BytePath => {
  try {
    return fromFs(realpathSync(toFs(path), { encoding: 'buffer' }));
  } catch {
    if (lstatSync(toFs(path), { throwIfNoEntry: false })?.isSymbolicLink() === true) return fromText('/');
    return realPathOf(parentOf(path));
  }
};
