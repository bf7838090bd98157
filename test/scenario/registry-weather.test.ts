import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const WEATHER = join(import.meta.dirname, '..', '..', 'scenarios', 'registry-weather');

test('registry-weather ends well for a hundred boards', async () => {
  const { outcome, failure, updates, registry } = await runScenario(WEATHER, { seed: 3, boards: 100 });
  expect({ outcome, failure }).toEqual({ outcome: 'passed', failure: '' });
  // Seven rollouts to all of them and one job to the lab's ten; six jobs that the lab refuses.
  expect(updates).toEqual({ confirmed: 710, 'bad-image': 60 });
  expect(registry.map(({ node, content }) => `${node} ${content}`)).toEqual([
    'edge-1 index',
    'edge-1 manifest',
    'edge-1 image',
    'edge-1 delta',
    'edge-1 signature',
  ]);
});
