import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GateRule, judgeGate, type WaveCount } from '../../src/rollout/gate.ts';

const RULE: GateRule = { minSamples: 5, minSuccessPercent: 90, bakeTimeMs: 600_000 };
const wave = (more: Partial<WaveCount>): WaveCount => {
  const counts = { confirmed: 0, failed: 0, excluded: 0, pending: 0, settledForMs: undefined, ...more };
  return { devices: counts.confirmed + counts.failed + counts.excluded + counts.pending, ...counts };
};

describe('a gate', () => {
  test.each<[string, Partial<WaveCount>, string]>([
    ['waits while devices are pending', { confirmed: 9, pending: 1 }, 'Open'],
    ['fails as soon as the pending could not save it', { confirmed: 3, failed: 2, pending: 5 }, 'Failed'],
    ['still hopes while they could', { confirmed: 3, failed: 1, pending: 6 }, 'Open'],
    ['bakes once everybody is through', { confirmed: 10, settledForMs: 0 }, 'Baking'],
    ['passes after the bake time', { confirmed: 10, settledForMs: 600_000 }, 'Passed'],
    ['fails below its percentage', { confirmed: 8, failed: 2, settledForMs: 0 }, 'Failed'],
    [
      'does not count the excluded',
      { confirmed: 9, failed: 1, excluded: 90, settledForMs: 600_000 },
      'Passed',
    ],
    [
      'asks for no more samples than can be had',
      { confirmed: 3, excluded: 2, settledForMs: 600_000 },
      'Passed',
    ],
    ['never passes on no evidence at all', { excluded: 3, settledForMs: 600_000 }, 'Starved'],
    ['lets an empty wave pass', {}, 'Passed'],
  ])('%s', (_, counts, state) => {
    expect(judgeGate(RULE, wave(counts)).state).toBe(state);
  });

  test('says when to look again while it bakes', () => {
    expect(judgeGate(RULE, wave({ confirmed: 10, settledForMs: 200_000 })).againAfterMs).toBe(400_000);
  });
});

test('a gate that passed had no pending device, enough successes, and its bake time', () => {
  const count = fc.integer({ min: 0, max: 20 });
  fc.assert(
    fc.property(
      count,
      count,
      count,
      count,
      fc.integer({ min: 0, max: 1_000_000 }),
      (confirmed, failed, excluded, pending, settledForMs) => {
        const counted = wave({
          confirmed,
          failed,
          excluded,
          pending,
          settledForMs: pending > 0 ? undefined : settledForMs,
        });
        if (judgeGate(RULE, counted).state !== 'Passed' || counted.devices === 0) return;
        expect(pending).toBe(0);
        expect(confirmed * 100).toBeGreaterThanOrEqual(90 * (confirmed + failed));
        expect(confirmed + failed).toBeGreaterThan(0);
        expect(settledForMs).toBeGreaterThanOrEqual(RULE.bakeTimeMs);
      },
    ),
  );
});
