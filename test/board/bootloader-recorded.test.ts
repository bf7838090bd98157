import { expect, test } from 'vitest';
import { SECTOR_SIZE } from '../../sim/board/block-store.ts';
import { boot, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import { flashOfCase, RECORDED_CASES, RECORDED_CHIP } from './recorded-cases.ts';

test.each(
  RECORDED_CASES.map((one, index) => [index, JSON.stringify([one.otadata, one.slots]), one] as const),
)('recorded case %i agrees byte for byte: %s', (_index, _name, recorded) => {
  const flash = flashOfCase(recorded);
  const efuse = new Efuse(RECORDED_CHIP, '240ac4000001');
  for (const expected of recorded.boots) {
    const outcome = boot({ flash, efuse, build: ESP_IDF_BUILD, resetReason: 'power-on' });
    const entries = [0, 1].map((index) => toHex(flash.read(0xd000 + index * SECTOR_SIZE, 32)));
    expect({ slot: outcome.slot, otadata: entries }).toEqual({
      slot: expected.slot === null ? null : `ota_${expected.slot}`,
      otadata: expected.otadata,
    });
  }
});
