import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignWaves, inRankOrder, type Member, rankOf, waveBounds } from '../../src/rollout/membership.ts';

const percents = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 6 })
  .map((list) => [...list.sort((a, b) => a - b), 100]);
const fleet = (count: number, existed = true): Member[] =>
  Array.from({ length: count }, (_, index) => ({ id: `device-${index}`, existed }));
const none = (): undefined => undefined;
const ranked = (members: readonly Member[], uid: string): Member[] =>
  inRankOrder(members, (id) => rankOf(id, uid));

test.each([
  [200, [5, 25, 100], [10, 50, 200]],
  [30, [10, 50, 100], [3, 15, 30]],
  [3, [1, 50, 100], [1, 2, 3]],
  [1, [1, 2, 100], [1, 1, 1]],
  [0, [5, 100], [0, 0]],
])('%i devices in waves of %j percent end at %j', (count, waves, bounds) => {
  expect(waveBounds(count, waves)).toEqual(bounds);
});

test('every device has exactly one wave, and waves are as large as their percentage, rounded up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), percents, fc.string(), (count, waves, uid) => {
      const assigned = assignWaves(ranked(fleet(count), uid), waves, none);
      expect(assigned).toHaveLength(count);
      for (const [index, bound] of waveBounds(count, waves).entries())
        expect(assigned.filter((wave) => wave <= index)).toHaveLength(bound);
    }),
  );
});

test('who is in which wave does not depend on the order in which devices are found', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(fleet(60), { minLength: 60 }),
      percents,
      fc.string(),
      (shuffled, waves, uid) => {
        const straight = ranked(fleet(60), uid);
        expect(ranked(shuffled, uid)).toEqual(straight);
        expect(assignWaves(ranked(shuffled, uid), waves, none)).toEqual(assignWaves(straight, waves, none));
      },
    ),
  );
});

test('a device that joins late goes to the last wave and moves nobody', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), percents, fc.string(), (count, waves, uid) => {
      const before = ranked(fleet(count), uid);
      const late = { id: 'late', existed: false };
      const after = ranked([...fleet(count), late], uid);
      const waveOf = (members: readonly Member[]): Map<string, number> =>
        new Map(assignWaves(members, waves, none).map((wave, index) => [members[index]?.id ?? '', wave]));
      const now = waveOf(after);
      for (const [id, wave] of waveOf(before)) expect(now.get(id)).toBe(wave);
      expect(now.get('late')).toBe(waves.length - 1);
    }),
  );
});

test('a device keeps the wave of its job', () => {
  const members = ranked(fleet(10), 'uid');
  const first = members[0]?.id ?? '';
  expect(assignWaves(members, [10, 100], (id) => (id === first ? 1 : undefined))[0]).toBe(1);
});

test('another rollout has other canaries', () => {
  const canary = (uid: string): string | undefined => ranked(fleet(100), uid)[0]?.id;
  expect(new Set(['a', 'b', 'c', 'd'].map(canary)).size).toBeGreaterThan(1);
});
