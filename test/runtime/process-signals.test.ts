import { expect, it } from '@jest/globals';
import { processSignals } from '../../src/runtime/process-signals.ts';

it('tells of SIGTERM and SIGINT until it is told to stop', () => {
  const received: string[] = [];
  const stop = processSignals((name) => received.push(name));
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  stop();
  expect(received).toEqual(['SIGTERM', 'SIGINT']);
  expect(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')).toBe(0);
});
