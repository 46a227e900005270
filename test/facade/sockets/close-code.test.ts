import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { makeProblem } from '../../../src/facade/problem.ts';
import { closeForProblem } from '../../../src/facade/sockets/close-code.ts';
import { requireOwnOrigin } from '../../../src/facade/sockets/origin.ts';

describe('the close of a WebSocket', () => {
  test.each([
    ['not-found', 4404],
    ['sandbox-not-running', 4409],
    ['sandbox-unreachable', 4503],
    ['internal-error', 1011],
    ['shutting-down', 1012],
  ] as const)('says %s by the code %i', (kind, code) => {
    expect(closeForProblem(makeProblem(kind, 'why')).code).toBe(code);
  });

  test('has a reason that fits into its frame, and ends with a whole character', () => {
    const { reason } = closeForProblem(makeProblem('not-found', `a${'€'.repeat(100)}`));
    expect(reason).toBe(`a${'€'.repeat(40)}`);
  });

  test('names the problem where its detail is a list', () => {
    expect(closeForProblem(makeProblem('invalid-input', [])).reason).toBe('The input is not valid');
  });
});

describe('the origin of a WebSocket', () => {
  const from = (origin: string | undefined, host = 'sandbox.example.com'): (() => void) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    return () => requireOwnOrigin({ headers } as unknown as IncomingMessage, ['https://app.example.com']);
  };

  test.each([undefined, 'https://sandbox.example.com', 'http://sandbox.example.com', 'https://app.example.com'])(
    'may be %s',
    (origin) => {
      expect(from(origin)).not.toThrow();
    },
  );

  test('may not be one that names no host, where the request names none either', () => {
    const headers = { origin: 'null' };
    expect(() => requireOwnOrigin({ headers } as unknown as IncomingMessage, [])).toThrow('403');
  });

  test('may have a port, if the host has it', () => {
    expect(from('http://localhost:8000', 'localhost:8000')).not.toThrow();
    expect(from('http://localhost:9000', 'localhost:8000')).toThrow('403');
  });

  test.each(['https://evil.example', 'https://sandbox.example.com.evil.example', 'null', 'http://app.example.com'])(
    'may not be %s',
    (origin) => {
      expect(from(origin)).toThrow('403');
    },
  );
});
