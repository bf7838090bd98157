import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { openScenario } from '../../src/cli/scenario-path.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import { scratchFolder } from '../cli/command-line.ts';
import { peer } from './python-peers.ts';

const ROOT = join(import.meta.dirname, '..', '..', 'scenarios');
const scratch = scratchFolder();
const stories = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe.each(stories.map(({ name }) => name))('scenarios/%s', (name) => {
  const factory = new FirmwareFactory(makePlan(openScenario(join(ROOT, name))).firmware);

  test.each(factory.images)(
    'esptool accepts $firmware for $chip',
    ({ firmware, chip, application, version }) => {
      const told = peer('esptool', 'image-info', scratch.write('app.bin', factory.image(firmware, chip)));
      expect(told).toContain(`Detected image type: ${CHIPS[chip as ChipName].label}`);
      expect(told).toMatch(/Checksum: 0x\w\w \(valid\)/);
      expect(told).toMatch(/Validation hash: \w{64} \(valid\)/);
      expect(told).toContain(`Project name: ${application}\nApp version: ${version}\n`);
    },
  );
});
