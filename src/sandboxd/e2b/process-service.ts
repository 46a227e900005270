import { resolve } from 'node:path';
import { clientStreamRoute } from '../connect/client-stream.ts';
import { bytesField, type ConnectMessage, integerField, messageField, textField } from '../connect/message.ts';
import { keepaliveMs, type Send, serverStreamRoute } from '../connect/server-stream.ts';
import { unaryRoute } from '../connect/unary.ts';
import { requireUser } from '../connect/user.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { ManagedProcess } from '../processes/managed-process.ts';
import type { ProcessTable } from '../processes/process-table.ts';
import { parseSize, parseStart } from '../processes/start-request.ts';
import type { DaemonRequest, Route } from '../route.ts';
import { sendEvents } from './process-events.ts';

const SERVICE = '/process.Process';

/** process.Process of E2B's daemon, on the same table of processes as the native API. */
export const processService = (table: ProcessTable, { home }: { readonly home: string }): readonly Route[] => {
  const running = (): readonly ManagedProcess[] => table.list().filter((process) => process.isRunning());

  const select = (message: ConnectMessage): ManagedProcess => {
    const selector = messageField(message, 'process') ?? {};
    const pid = integerField(selector, 'pid');
    const tag = textField(selector, 'tag');
    const found = running().find((process) => process.pid === pid || (tag !== '' && process.info().label === tag));
    if (found === undefined) {
      throw new DaemonError('not_found', `no process runs with ${tag === '' ? `pid ${pid}` : `tag ${tag}`}`);
    }
    return found;
  };

  const start = async (message: ConnectMessage, request: DaemonRequest, send: Send): Promise<void> => {
    requireUser(request.raw);
    const process = await table.start(parseStart(startOf(message, request, home)));
    await sendEvents(process, 0, { signal: request.signal, keepaliveMs: keepaliveMs(request.raw) }, send);
  };
  const connect = async (message: ConnectMessage, request: DaemonRequest, send: Send): Promise<void> =>
    sendEvents(select(message), 'live', { signal: request.signal, keepaliveMs: keepaliveMs(request.raw) }, send);

  return [
    unaryRoute(`${SERVICE}/List`, () => ({ processes: running().map(listed) })),
    serverStreamRoute(`${SERVICE}/Start`, start),
    serverStreamRoute(`${SERVICE}/Connect`, connect),
    unaryRoute(`${SERVICE}/Update`, (message) => {
      const process = select(message);
      const pty = messageField(message, 'pty');
      if (pty !== undefined) process.resize(parseSize(messageField(pty, 'size')));
      return {};
    }),
    unaryRoute(`${SERVICE}/SendInput`, async (message, { signal }) => {
      await select(message).input.append(inputOf(message), signal);
      return {};
    }),
    clientStreamRoute(`${SERVICE}/StreamInput`, async (messages, { signal }) => {
      let process: ManagedProcess | undefined;
      for await (const message of messages) {
        const begin = messageField(message, 'start');
        const data = messageField(message, 'data');
        if (begin !== undefined) process = select(begin);
        else if (data === undefined) continue;
        else if (process === undefined) throw new DaemonError('invalid_argument', 'data comes before start');
        else await process.input.append(inputOf(data), signal);
      }
      return {};
    }),
    unaryRoute(`${SERVICE}/SendSignal`, (message) => {
      select(message).signal(signalOf(message['signal']));
      return {};
    }),
    unaryRoute(`${SERVICE}/CloseStdin`, async (message) => {
      await select(message).input.close();
      return {};
    }),
  ];
};

/** A StartRequest as the body of the native API. Its time is the connection's, as with E2B: Connect-Timeout-Ms. */
const startOf = (message: ConnectMessage, { raw }: DaemonRequest, home: string): ConnectMessage => {
  const config = messageField(message, 'process') ?? {};
  const { args = [], envs } = config;
  const cwd = textField(config, 'cwd');
  const tag = textField(message, 'tag');
  const pty = messageField(message, 'pty');
  const timeoutMs = Number(raw.headers['connect-timeout-ms'] ?? 0);
  return {
    argv: [textField(config, 'cmd'), ...(Array.isArray(args) ? args : [args])],
    keep: 'attached',
    // Clients from before this field count on it.
    stdin: message['stdin'] ?? true,
    ...(envs === undefined ? {} : { env: envs }),
    ...(cwd === '' ? {} : { cwd: resolve(home, cwd.replace(/^~(?=\/|$)/, home)) }),
    ...(tag === '' ? {} : { label: tag }),
    ...(pty === undefined ? {} : { pty: messageField(pty, 'size') }),
    ...(timeoutMs > 0 ? { timeoutMs } : {}),
  };
};

const listed = (process: ManagedProcess): unknown => {
  const { argv, cwd, label, pid } = process.info();
  const [cmd, ...args] = argv;
  return { config: { cmd, args, cwd }, pid, ...(label === null ? {} : { tag: label }) };
};

const inputOf = (message: ConnectMessage): Buffer => {
  const input = messageField(message, 'input') ?? {};
  return Buffer.concat([bytesField(input, 'stdin'), bytesField(input, 'pty')]);
};

/** The two of E2B's, by name or number. */
const signalOf = (value: unknown): NodeJS.Signals => {
  if (value === 'SIGNAL_SIGTERM' || value === 15) return 'SIGTERM';
  if (value === 'SIGNAL_SIGKILL' || value === 9) return 'SIGKILL';
  throw new DaemonError('invalid_argument', 'signal is SIGNAL_SIGTERM or SIGNAL_SIGKILL');
};
