import { CHIP_NAMES, CHIPS, type Chip, isChipName } from '../esp/chips.ts';
import { rejectUsage } from './failure.ts';

/** The chip of `--chip`: `esp32c3`, `ESP32-C3`. */
export function parseChip(name: string): Chip {
  const plain = name.toLowerCase().replaceAll('-', '');
  if (!isChipName(plain))
    rejectUsage(`--chip ${name}: there is no such chip; known are ${CHIP_NAMES.join(', ')}`);
  return CHIPS[plain];
}

/** A chip revision as tools print it, from major × 100 + minor. */
export function describeRevision(revision: number): string {
  return `v${Math.floor(revision / 100)}.${revision % 100}`;
}
