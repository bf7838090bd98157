import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { behaviourOf } from '../../../src/scenario/plan.ts';
import { makePlan } from '../../../src/scenario/planning/make-plan.ts';
import { FILES, folderOf, STORY } from '../story.ts';

const planOf = (text: string, options = {}) =>
  makePlan(folderOf({ ...FILES, 'scenario.yaml': text }), options);

describe('the fleet', () => {
  test('has exactly its boards and its shares of chips, whatever the size and the seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(1000), (size, seed) => {
        const { boards } = planOf(STORY.replace('boards: 20', `boards: ${size}`), { seed });
        expect(boards).toHaveLength(size);
        expect(new Set(boards.map((board) => board.name)).size).toBe(size);
        for (const [chip, share] of [
          ['esp32', 0.6],
          ['esp32s3', 0.3],
          ['esp32c3', 0.1],
        ] as const) {
          const count = boards.filter((board) => board.chip === chip).length;
          expect(Math.abs(count - share * size)).toBeLessThan(1);
        }
        for (const { link } of boards) {
          expect(link.latencyMs).toBeGreaterThanOrEqual(20);
          expect(link.latencyMs).toBeLessThanOrEqual(60);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('is the same for one seed and another for another', () => {
    expect(planOf(STORY).boards).toEqual(planOf(STORY).boards);
    expect(planOf(STORY, { seed: 8 }).boards).not.toEqual(planOf(STORY).boards);
  });

  test('grows in proportion, and impostors do not', () => {
    const text = STORY.replace(
      'steps:\n',
      '  - { group: fake, boards: 2, runs: "thermo:1.0.0", identity: cloned, clones: greenhouse }\nsteps:\n',
    );
    const { boards } = planOf(text, { boards: 1000 });
    expect(boards.filter((board) => board.group === 'greenhouse')).toHaveLength(1000);
    expect(boards.filter((board) => board.group === 'fake')).toHaveLength(2);
    expect(boards.at(-1)?.name).toBe('greenhouse-1000');
  });

  test('a clone has a board of the other group to copy, and its chip', () => {
    const text = STORY.replace(
      'steps:\n',
      '  - { group: fake, boards: 5, runs: "thermo:1.0.0", identity: cloned, clones: greenhouse }\nsteps:\n',
    );
    const { boards } = planOf(text);
    const clones = boards.filter((board) => board.identity === 'cloned');
    const originals = clones.map((clone) => boards.find((board) => board.name === clone.clones));
    expect(new Set(originals.map((board) => board?.name)).size).toBe(5);
    expect(originals.map((board) => board?.chip)).toEqual(clones.map((board) => board.chip));
  });
});

describe('firmware', () => {
  test('is pushed under its key and every further reference', () => {
    const text = STORY.replace(
      'size: 900KiB }',
      'size: 900KiB, push: ["registry.local/nubificus/esp32:1"] }',
    );
    expect(planOf(text).firmware[0]?.references).toEqual([
      'registry.local/thermo:1.0.0',
      'registry.local/nubificus/esp32:1',
    ]);
  });

  test('a reference that is none is refused at its place', () => {
    const text = STORY.replace('size: 900KiB }', 'size: 900KiB, push: ["https://x/y"] }');
    expect(() => planOf(text)).toThrow(/^scenario\.yaml:8:61: "https:\/\/x\/y": /);
  });

  test('behaves as its first matching entry says, and is healthy otherwise', () => {
    const { firmware, boards } = planOf(STORY);
    const second = firmware[1];
    if (second === undefined) throw new Error('no second firmware');
    for (const board of boards)
      expect(behaviourOf(second, board)).toEqual(
        board.chip === 'esp32s3' ? { kind: 'crash', afterMs: 2000 } : { kind: 'healthy' },
      );
  });

  test('a behaviour for so many boards is drawn once, by the seed', () => {
    const text = STORY.replace('{ on: { chip: esp32s3 }, crash', '{ on: { count: 25% }, crash');
    const boards = planOf(text).firmware[1]?.behaviours[0]?.on.boards;
    expect(boards).toHaveLength(5);
    expect(planOf(text).firmware[1]?.behaviours[0]?.on.boards).toEqual(boards);
  });

  test.each([
    ['{ boot-counter: 3 }', { rollback: 'boot-counter', bootsWithoutConfirm: 3 }],
    ['esp-idf', { rollback: 'esp-idf', bootsWithoutConfirm: 1 }],
  ])('rollback %s', (written, planned) => {
    const text = STORY.replace('size: 900KiB }', `size: 900KiB, rollback: ${written} }`);
    expect(planOf(text).firmware[0]).toMatchObject(planned);
  });
});

test('boards of a fault are drawn by the seed and sorted', () => {
  const text = STORY.replace('on: { labels: { site: athens } }', 'on: { count: 30% }');
  const orders = [7, 7, 8].map((seed) => {
    const step = planOf(text, { seed }).steps[1];
    return step?.verb === 'inject' ? step.order.boards : [];
  });
  expect(orders[0]).toHaveLength(6);
  expect(orders[0]).toEqual([...(orders[0] ?? [])].sort());
  expect(orders[1]).toEqual(orders[0]);
  expect(orders[2]).not.toEqual(orders[0]);
});
