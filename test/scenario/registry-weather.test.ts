import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const WEATHER = join(import.meta.dirname, '..', '..', 'scenarios', 'registry-weather');

test('registry-weather ends well for sixty boards', async () => {
  const { outcome, failure, updates, registry } = await runScenario(WEATHER, { seed: 3, boards: 60 });
  expect({ outcome, failure }).toEqual({ outcome: 'passed', failure: '' });
  // Seven rollouts to all of them and one job to the lab's six; six jobs that the lab refuses.
  expect(updates).toEqual({ confirmed: 426, 'bad-image': 36 });
  expect(registry.map(({ node, content }) => `${node} ${content}`)).toEqual([
    'edge-1 index',
    'edge-1 manifest',
    'edge-1 image',
    'edge-1 delta',
    'edge-1 signature',
  ]);
});
