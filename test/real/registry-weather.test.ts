import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const WEATHER = join(import.meta.dirname, '..', '..', 'scenarios', 'registry-weather');

test.each([1, 2, 3, 4, 5])('registry-weather ends well for all of its boards with seed %i', async (seed) => {
  const { outcome, failure, boards } = await runScenario(WEATHER, { seed });
  expect({ outcome, failure, boards }).toEqual({ outcome: 'passed', failure: '', boards: 500 });
});
