import { type ConnectMessage, flagField, textField } from '../connect/message.ts';
import { keepaliveMs, serverStreamRoute, type StreamHandler } from '../connect/server-stream.ts';
import { unaryRoute } from '../connect/unary.ts';
import { requireUser } from '../connect/user.ts';
import { type BytePath, fromText, toText } from '../files/byte-path.ts';
import { startFileWatch } from '../files/file-watch.ts';
import { makeDirectory } from '../files/make-directory.ts';
import { movePath } from '../files/move-path.ts';
import { removePath } from '../files/remove-path.ts';
import type { FileDependencies } from '../files/routes.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { DaemonRequest, Route } from '../route.ts';
import { makeAccountNames } from './account-names.ts';
import { asE2b, resolveE2bPath } from './e2b-path.ts';
import { readEntryInfo } from './entry-info.ts';
import { listDirRoute } from './list-dir.ts';
import { toFilesystemEvents } from './watch-events.ts';
import { makeWatchers } from './watchers.ts';

const SERVICE = '/filesystem.Filesystem';

/** filesystem.Filesystem of E2B's daemon, on the code of the native file API. */
export const filesystemService = ({ settings, lock }: FileDependencies): readonly Route[] => {
  const home = fromText(settings.home);
  const accountNames = makeAccountNames();
  const watchers = makeWatchers();
  const pathIn = (message: ConnectMessage, name = 'path'): BytePath =>
    resolveE2bPath(home, fromText(textField(message, name)));
  const entry = async (path: BytePath) => ({ entry: await readEntryInfo(path, await accountNames()) });
  const unary = (method: string, answer: (message: ConnectMessage, request: DaemonRequest) => Promise<unknown>) =>
    unaryRoute(`${SERVICE}/${method}`, (message, request) => {
      requireUser(request.raw);
      return asE2b(() => answer(message, request));
    });

  const watchDir: StreamHandler = async (message, request, send) => {
    requireUser(request.raw);
    const root = pathIn(message);
    const watch = await startFileWatch(root, { recursive: flagField(message, 'recursive') });
    const includeEntry = flagField(message, 'includeEntry');
    const interval = keepaliveMs(request.raw);
    try {
      await send({ start: {} });
      for (;;) {
        const events = await watch.take(interval, request.signal);
        if (events === undefined) return;
        if (events.length === 0) await send({ keepalive: {} });
        for (const event of events) {
          const context = { includeEntry, names: await accountNames() };
          for (const filesystem of await toFilesystemEvents(toText(root), event, context)) await send({ filesystem });
        }
      }
    } finally {
      watch.close();
    }
  };

  return [
    unary('Stat', (message) => entry(pathIn(message))),
    unary('MakeDir', async (message) => {
      const path = pathIn(message);
      const { created } = await makeDirectory(path, { parents: true });
      if (!created) throw new DaemonError('already_exists', `${toText(path)}: the directory is there already`);
      return entry(path);
    }),
    unary('Move', async (message) => {
      const to = pathIn(message, 'destination');
      await movePath(lock, pathIn(message, 'source'), to, { overwrite: true, parents: true });
      return entry(to);
    }),
    unary('Remove', async (message, { signal }) => {
      try {
        await removePath(pathIn(message), { recursive: true, signal });
      } catch (error) {
        // What is not there is removed, here.
        if (!(error instanceof DaemonError) || error.code !== 'not_found') throw error;
      }
      return {};
    }),
    listDirRoute(`${SERVICE}/ListDir`, { pathIn, accountNames }),
    serverStreamRoute(`${SERVICE}/WatchDir`, (message, request, send) => asE2b(() => watchDir(message, request, send))),
    unary('CreateWatcher', async (message) => {
      const options = { recursive: flagField(message, 'recursive'), includeEntry: flagField(message, 'includeEntry') };
      return { watcherId: await watchers.create(pathIn(message), options) };
    }),
    unary('GetWatcherEvents', async (message, { signal }) => {
      const { root, includeEntry, watch } = watchers.get(textField(message, 'watcherId'));
      const events = (await watch.take(0, signal)) ?? [];
      const context = { includeEntry, names: await accountNames() };
      return { events: (await Promise.all(events.map((one) => toFilesystemEvents(root, one, context)))).flat() };
    }),
    unary('RemoveWatcher', async (message) => {
      watchers.remove(textField(message, 'watcherId'));
      return {};
    }),
  ];
};
