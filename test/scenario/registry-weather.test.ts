import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/api.ts';

const WEATHER = join(import.meta.dirname, '..', '..', 'scenarios', 'registry-weather');

test('registry-weather ends well for sixty boards', async () => {
  const { outcome, failure, updates, registry, notes } = await runScenario(WEATHER, { seed: 3, boards: 60 });
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
  // Each job of the story is told, however many there were before it.
  const ends = notes.flatMap(({ text }) => /^job (\S+) is (\w+)/.exec(text)?.slice(1).join(' ') ?? []);
  expect(ends).toEqual([
    'moved Failed',
    'stranger Failed',
    'locked-out Failed',
    'swapped Failed',
    'flipped Failed',
    'deleted Failed',
    'at-last Completed',
  ]);
});
