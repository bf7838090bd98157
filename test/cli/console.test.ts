import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { interruption } from '../../src/cli/console.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the first signal interrupts, its echo does nothing, and a later one finds nobody who would keep it from ending the process', () => {
  const source = new EventEmitter();
  const signal = interruption(source);
  expect(signal.aborted).toBe(false);
  source.emit('SIGINT', 'SIGINT');
  expect(signal.reason).toEqual(new Error('interrupted by SIGINT'));
  vi.advanceTimersByTime(100);
  expect(source.emit('SIGINT', 'SIGINT')).toBe(true);
  vi.advanceTimersByTime(1_000);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) expect(source.listenerCount(name)).toBe(0);
});
