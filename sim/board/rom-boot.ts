import { CHECKSUM_SEED, parseAppImage } from '../../src/esp/app-image.ts';
import type { Chip } from '../../src/esp/chips.ts';
import { PARTITION_TABLE_OFFSET } from '../../src/esp/partition-table.ts';
import type { NorFlash } from './nor-flash.ts';

/** True when the mask ROM would start what lies at the bootloader's offset: an image with a right checksum. */
export function romFindsBootloader(flash: NorFlash, chip: Chip): boolean {
  const offset = chip.bootloaderOffset;
  const identity = flash.identityOf(offset, PARTITION_TABLE_OFFSET - offset);
  return flash.store.memo(`rom:${chip.name}:${identity}`, () => {
    const bytes = flash.read(offset, PARTITION_TABLE_OFFSET - offset);
    const parsed = parseAppImage(bytes);
    if (!parsed.ok) return false;
    let checksum = CHECKSUM_SEED;
    for (const { dataOffset, length } of parsed.value.segments)
      for (const byte of bytes.subarray(dataOffset, dataOffset + length)) checksum ^= byte;
    return checksum === parsed.value.checksum;
  });
}
