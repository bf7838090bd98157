import { imageChecksum, parseAppImage } from '../../src/esp/app-image.ts';
import { PARTITION_TABLE_OFFSET } from '../../src/esp/partition-table.ts';
import { checkSignature } from '../../src/esp/secure-boot-v2.ts';
import type { Efuse } from './efuse.ts';
import type { NorFlash } from './nor-flash.ts';

/** True when the mask ROM would start what lies at the bootloader's offset: a right checksum and, with secure boot, a trusted signature. */
export function romFindsBootloader(flash: NorFlash, efuse: Efuse): boolean {
  const { chip } = efuse;
  const offset = chip.bootloaderOffset;
  const keys = efuse.secureBoot ? efuse.trustIdentity : '';
  const identity = flash.identityOf(offset, PARTITION_TABLE_OFFSET - offset);
  return flash.store.memo(`rom:${chip.name}:${keys}:${identity}`, () => {
    const bytes = flash.read(offset, PARTITION_TABLE_OFFSET - offset);
    const parsed = parseAppImage(bytes);
    if (!parsed.ok) return false;
    if (imageChecksum(bytes, parsed.value) !== parsed.value.checksum) return false;
    if (!efuse.secureBoot) return true;
    return checkSignature(bytes, parsed.value.imageLength, efuse.trustedKeys).acceptedBy !== undefined;
  });
}
