import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const WEATHER = join(import.meta.dirname, '..', '..', 'scenarios', 'api-weather');

test('api-weather ends well: no rollout fails because a watch stalled, a server restarted or data was lost', async () => {
  const { outcome, failure, updates } = await runScenario(WEATHER, { seed: 7, boards: 60 });
  expect({ outcome, failure }).toEqual({ outcome: 'passed', failure: '' });
  // Three to each of sixty; those that were confirmed just before the data was lost are confirmed again.
  expect(Object.keys(updates)).toEqual(['confirmed']);
  expect(updates.confirmed).toBeGreaterThanOrEqual(180);
});
