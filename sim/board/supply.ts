import type { Chip, ChipName } from '../../src/esp/chips.ts';

/** What feeds a board: a voltage behind a resistance, of cable, regulator or tired battery. */
export interface Supply {
  readonly openCircuitMillivolts: number;
  readonly sourceMilliohms: number;
}

export const SOUND_SUPPLY: Supply = { openCircuitMillivolts: 3300, sourceMilliohms: 200 };
/** Enough for a chip that computes, too little for its radio. */
export const WEAK_SUPPLY: Supply = { openCircuitMillivolts: 3300, sourceMilliohms: 2500 };

/** What a supply must bear when the radio is switched on. Source: ESP hardware design guidelines, power supply. */
export const RADIO_START_MILLIAMPERES = 500;

/** Below this the detector resets the chip. Source: esp-idf, Kconfig.power, the default ESP_BROWNOUT_DET_LVL_SEL. */
const BROWN_OUT_MILLIVOLTS: Readonly<Record<ChipName, number>> = {
  esp32: 2430,
  esp32s2: 2440,
  esp32s3: 2440,
  esp32c2: 2510,
  esp32c3: 2510,
  esp32c6: 2510,
  esp32h2: 2570,
};

/** Whether the brown-out detector resets the chip under that load. */
export function brownsOut(chip: Chip, supply: Supply, loadMilliamperes: number): boolean {
  const dropMillivolts = (supply.sourceMilliohms * loadMilliamperes) / 1000;
  return supply.openCircuitMillivolts - dropMillivolts < BROWN_OUT_MILLIVOLTS[chip.name];
}
