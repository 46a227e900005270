/** One port of one sandbox. */
export interface PortOfSandbox {
  readonly sandbox: string;
  readonly port: number;
}

/** What a Host header asks for: a preview, a name below the preview domain that is none, or something else. */
export type HostKind =
  (PortOfSandbox & { readonly kind: 'preview' }) | { readonly kind: 'no-preview' } | { readonly kind: 'other' };

const OTHER: HostKind = { kind: 'other' };

/** `3000-sbx-0123.preview.example.com`, whatever the port behind it. One label, as a wildcard certificate has it. */
export const readPreviewHost = (host: string | undefined, domain: string | undefined): HostKind => {
  if (host === undefined || domain === undefined) return OTHER;
  const suffix = `.${nameOf(domain)}`;
  const name = nameOf(host);
  if (!name.endsWith(suffix)) return OTHER;
  const [, digits, sandbox] = /^(\d{1,5})-([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)$/.exec(name.slice(0, -suffix.length)) ?? [];
  const port = parsePort(digits ?? '');
  return port === undefined || sandbox === undefined ? { kind: 'no-preview' } : { kind: 'preview', sandbox, port };
};

/** Undefined for what is no port. */
export const parsePort = (text: string): number | undefined => {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
};

/** The preview's own host, undefined where the sandbox's name does not fit into a label. */
export const previewHost = ({ sandbox, port }: PortOfSandbox, domain: string): string | undefined => {
  const label = `${port}-${sandbox}`;
  return label.length > 63 || sandbox.includes('.') ? undefined : `${label}.${domain}`;
};

/** Without a port and the dot of the root. */
const nameOf = (host: string): string => host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
