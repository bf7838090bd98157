import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openScenario } from '../../src/cli/scenario-path.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';

const ROOT = join(import.meta.dirname, '..', '..', 'scenarios');
const stories = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(stories.map((entry) => entry.name))('scenarios/%s', (name) => {
  const folder = join(ROOT, name);

  test('has no mistake, is named after its folder, and uses every manifest that lies there', () => {
    const plan = makePlan(openScenario(folder));
    expect(plan.name).toBe(name);
    const used = plan.files.map((file) => file.path);
    expect(
      readdirSync(folder)
        .filter((file) => file.endsWith('.yaml'))
        .sort(),
    ).toEqual([...used].sort());
  });

  test('says in its README what it must show', () => {
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/must show/);
  });

  test('judges something', () => {
    const { always, never, sometimes } = makePlan(openScenario(folder)).properties;
    expect(always.length + never.length + sometimes.length).toBeGreaterThan(0);
  });
});
