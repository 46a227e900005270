import type { PtySize, StartProcess } from '../../sandboxd/protocol/process.ts';

/** What a client asked for on a session channel. */
export type SessionRequest =
  { readonly kind: 'shell' } | { readonly kind: 'exec'; readonly command: string } | { readonly kind: 'sftp' };

export interface SessionTerminal extends PtySize {
  readonly term: string;
}

export interface SessionSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: SessionTerminal | undefined;
}

/** bash where there is one, as the shell of a login or for a command, the way sshd starts it. */
const SHELL = 'if command -v bash >/dev/null; then exec bash -l; fi; exec sh -l';
const COMMAND = 'if command -v bash >/dev/null; then exec bash -c -- "$1"; fi; exec sh -c -- "$1"';
/** Where distributions put it. */
const SFTP = `for folder in openssh ssh; do
  for place in /usr/lib /usr/libexec; do
    if [ -x $place/$folder/sftp-server ]; then exec $place/$folder/sftp-server; fi
  done
done
if [ -x /usr/libexec/sftp-server ]; then exec /usr/libexec/sftp-server; fi
echo 'the image of this sandbox has no sftp-server' >&2
exit 127`;

/** The process for a session: it begins in the home, and moves the working directory of nobody else. */
export const sessionProgram = (
  id: string,
  request: SessionRequest,
  { env, terminal }: SessionSettings,
): StartProcess & { readonly id: string } => ({
  id,
  argv: argvOf(request),
  env: { ...env, ...(terminal === undefined || terminal.term === '' ? {} : { TERM: terminal.term }) },
  ...(terminal === undefined || request.kind === 'sftp' ? {} : { pty: { cols: terminal.cols, rows: terminal.rows } }),
  stdin: true,
  keep: 'attached',
  label: `ssh ${request.kind}`,
});

const argvOf = (request: SessionRequest): readonly string[] => {
  switch (request.kind) {
    case 'shell':
      return ['sh', '-c', SHELL];
    case 'exec':
      return ['sh', '-c', COMMAND, 'sh', request.command];
    case 'sftp':
      return ['sh', '-c', SFTP];
    default:
      return request satisfies never;
  }
};
