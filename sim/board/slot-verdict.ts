import {
  APP_DESCRIPTION_OFFSET,
  APP_DESCRIPTION_SIZE,
  type AppDescription,
  parseAppDescription,
} from '../../src/esp/app-description.ts';
import { type AppImageRefusal, type VerifiedImage, verifyAppImage } from '../../src/esp/app-image.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import type { Decoded } from '../../src/esp/refusal.ts';
import type { Efuse } from './efuse.ts';
import type { NorFlash } from './nor-flash.ts';

export type SlotVerdict = Decoded<VerifiedImage, AppImageRefusal>;

/**
 * What a bootloader would say of the image in a partition, but for its signature.
 *
 * Worked out once per contents and kind of part: a slot that another board already holds costs a look-up.
 */
export function judgeSlot(flash: NorFlash, efuse: Efuse, partition: Partition): SlotVerdict {
  const { chip, chipRevision } = efuse;
  const identity = flash.identityOf(partition.offset, partition.size);
  return flash.store.memo(`image:${chip.name}:${chipRevision}:${identity}`, () =>
    verifyAppImage(flash.read(partition.offset, partition.size), { chip, chipRevision }),
  );
}

/** SHA-256 of the valid image in a partition, lower-case hex; undefined when there is none. */
export function measureSlot(flash: NorFlash, efuse: Efuse, partition: Partition): string | undefined {
  const verdict = judgeSlot(flash, efuse, partition);
  return verdict.ok ? verdict.value.measurement : undefined;
}

/** The description in a slot, whether or not the image around it is whole. */
export function describeSlot(flash: NorFlash, partition: Partition): AppDescription | undefined {
  const size = APP_DESCRIPTION_OFFSET + APP_DESCRIPTION_SIZE;
  if (partition.size < size) return undefined;
  const parsed = parseAppDescription(flash.read(partition.offset, size), APP_DESCRIPTION_OFFSET);
  return parsed.ok ? parsed.value : undefined;
}
