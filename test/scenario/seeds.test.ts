import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const CANARY = join(import.meta.dirname, '..', '..', 'scenarios', 'canary-rollback');

// In seed 2 the forger's turn comes in the second wave, in seed 5 in the last one; each is a different story.
test.each([2, 5])('canary-rollback ends well with seed %i, too', async (seed) => {
  const report = await runScenario(CANARY, { seed });
  expect(report).toMatchObject({ outcome: 'passed', exitCode: 0, seed, boards: 202 });
});
