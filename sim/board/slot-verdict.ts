import { createHash } from 'node:crypto';
import {
  APP_DESCRIPTION_OFFSET,
  APP_DESCRIPTION_SIZE,
  type AppDescription,
  parseAppDescription,
} from '../../src/esp/app-description.ts';
import { type AppImageRefusal, type VerifiedImage, verifyAppImage } from '../../src/esp/app-image.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { type Decoded, refuse } from '../../src/esp/refusal.ts';
import { checkSignature } from '../../src/esp/secure-boot-v2.ts';
import { SECTOR_SIZE } from './block-store.ts';
import type { Efuse, KeySlot } from './efuse.ts';
import type { NorFlash } from './nor-flash.ts';

export type SlotVerdict = Decoded<VerifiedImage, AppImageRefusal | 'not-trusted'>;

interface Judgement {
  readonly verdict: SlotVerdict;
  /** Key slots that aggressive revocation would burn for this image. */
  readonly failedKeySlots: readonly number[];
}

/**
 * What a board says of the image in a partition: whole, made for it and, with secure boot on, signed by a trusted key.
 *
 * Worked out once per contents and kind of part: a slot that another board already holds costs a look-up.
 */
export function judgeSlot(flash: NorFlash, efuse: Efuse, partition: Partition): SlotVerdict {
  return judge(flash, efuse, partition).verdict;
}

/** Burns the revocation of keys whose signature failed, where the fuses ask for it. Source: Secure Boot V2 docs. */
export function revokeFailedKeys(flash: NorFlash, efuse: Efuse, partition: Partition): void {
  if (!efuse.secureBoot || !efuse.aggressiveRevoke) return;
  for (const slot of judge(flash, efuse, partition).failedKeySlots) efuse.revokeKey(slot as KeySlot);
}

/** SHA-256 of the valid image in a partition, lower-case hex; undefined when there is none. */
export function measureSlot(flash: NorFlash, efuse: Efuse, partition: Partition): string | undefined {
  const verdict = judgeSlot(flash, efuse, partition);
  return verdict.ok ? verdict.value.measurement : undefined;
}

/** SHA-256 of the first bytes of a partition, lower-case hex. */
export function sha256OfSlot(flash: NorFlash, partition: Partition, lengthBytes: number): string {
  const identity = flash.identityOf(partition.offset, partition.size);
  return flash.store.memo(`sha256:${lengthBytes}:${identity}`, () => {
    const hash = createHash('sha256');
    for (let at = 0; at < lengthBytes; at += SECTOR_SIZE)
      hash.update(flash.read(partition.offset + at, Math.min(SECTOR_SIZE, lengthBytes - at)));
    return hash.digest('hex');
  });
}

/** The description in a slot, whether or not the image around it is whole. */
export function describeSlot(flash: NorFlash, partition: Partition): AppDescription | undefined {
  const size = APP_DESCRIPTION_OFFSET + APP_DESCRIPTION_SIZE;
  if (partition.size < size) return undefined;
  const parsed = parseAppDescription(flash.read(partition.offset, size), APP_DESCRIPTION_OFFSET);
  return parsed.ok ? parsed.value : undefined;
}

function judge(flash: NorFlash, efuse: Efuse, partition: Partition): Judgement {
  const { chip, chipRevision } = efuse;
  const identity = flash.identityOf(partition.offset, partition.size);
  const keys = efuse.secureBoot ? efuse.trustIdentity : '';
  return flash.store.memo(`image:${chip.name}:${chipRevision}:${keys}:${identity}`, () => {
    const bytes = flash.read(partition.offset, partition.size);
    const verdict = verifyAppImage(bytes, { chip, chipRevision });
    if (!verdict.ok || !efuse.secureBoot) return { verdict, failedKeySlots: [] };
    const check = checkSignature(bytes, verdict.value.imageLength, efuse.trustedKeys);
    if (check.acceptedBy !== undefined) return { verdict, failedKeySlots: check.failedSlots };
    const reasons = check.problems.join(', ');
    const refusal = refuse(
      'not-trusted',
      verdict.value.imageLength,
      `no signature vouches for the image: ${reasons}`,
    );
    return { verdict: refusal, failedKeySlots: check.failedSlots };
  });
}
