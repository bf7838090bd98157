import type { Clock } from '../../src/time/clock.ts';

/** A clock on which nothing may wait: for runs that inject no delay. */
export const idleClock: Clock = {
  nowMs: 0,
  epochMs: 0,
  after: () => {
    throw new Error('nothing in this test may set a timer');
  },
  sleep: () => Promise.reject(new Error('nothing in this test may sleep')),
};
