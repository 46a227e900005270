import { describe, expect, test } from '@jest/globals';
import { logText } from '../../src/telemetry/log-text.ts';

const line = (fields: object): string =>
  logText(JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', component: 'facade', ...fields }));

describe('a line of the log as text', () => {
  test('has the time, the level, the message and the fields of a request [A1.15]', () => {
    const request = { method: 'GET', path: '/', status: 200, duration_ms: 0.4, client_ip: '10.0.0.1', msg: 'request' };
    expect(line(request)).toBe(
      '2026-01-02T03:04:05.678Z INFO request method=GET path=/ status=200 duration_ms=0.4 client_ip=10.0.0.1\n',
    );
  });

  test('stays one line, whatever a value holds', () => {
    const text = line({ path: 'a b\nFAKE line', quoted: 'x="y"', list: ['a'], msg: 'request' });
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain(String.raw`path="a b\nFAKE line" quoted="x=\"y\"" list=["a"]`);
  });

  test('has the stack of an error below it', () => {
    const text = line({ level: 'error', msg: 'failed', err: { message: 'no', stack: 'Error: no\n    at x' } });
    expect(text).toBe('2026-01-02T03:04:05.678Z ERROR failed\n    Error: no\n        at x\n');
  });
});
