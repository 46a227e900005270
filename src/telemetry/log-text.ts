const LEADING = ['time', 'level', 'msg', 'component', 'err'];
/** What needs no quotes to be told from what stands around it. */
const PLAIN = /^[^\s"=]+$/;

/**
 * A line of the JSON log as text for people: `2026-01-02T03:04:05.678Z INFO request method=GET status=200`. Values that
 * hold spaces are quoted as in JSON, so a line stays one line; an error's stack follows on lines of its own.
 */
export const logText = (json: string): string => {
  const line = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const { time, level, msg, err } = line;
  const fields = Object.entries(line)
    .filter(([name]) => !LEADING.includes(name))
    .map(([name, value]) => `${name}=${valueText(value)}`);
  const first = [text(time), text(level).toUpperCase(), text(msg), ...fields].filter((part) => part !== '').join(' ');
  return `${first}\n${stackText(err)}`;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const valueText = (value: unknown): string =>
  typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);

const stackText = (error: unknown): string => {
  const { stack } = (error ?? {}) as { readonly stack?: unknown };
  return typeof stack === 'string' ? `${stack.replaceAll(/^/gm, '    ')}\n` : '';
};
