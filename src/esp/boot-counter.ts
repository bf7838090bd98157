import { LABEL_SIZE } from './otadata.ts';

/**
 * Boot counter in the otadata label, which ESP-IDF leaves erased and no CRC covers.
 *
 * Layout: 'B', 'C', N, then a unary tally of 136 bits, most significant first, one cleared per unconfirmed boot.
 * Clearing bits needs no erase, so a power cut can lose at most the boot being counted.
 */
const MAGIC = [0x42, 0x43];
const TALLY_OFFSET = 3;

/** More unconfirmed boots than this cannot be counted in the label. */
export const BOOTS_WITHOUT_CONFIRM_MAX = (LABEL_SIZE - TALLY_OFFSET) * 8;

export interface BootCounter {
  /** Unconfirmed boots an image is granted, 1…136; 1 is what ESP-IDF grants. */
  readonly bootsWithoutConfirm: number;
  /** Unconfirmed boots that have begun. */
  readonly bootsBegun: number;
}

/** A label that grants `bootsWithoutConfirm` boots. Throws RangeError outside 1…136. */
export function makeBootCounterLabel(bootsWithoutConfirm: number): Uint8Array {
  const whole = Number.isInteger(bootsWithoutConfirm);
  if (!whole || bootsWithoutConfirm < 1 || bootsWithoutConfirm > BOOTS_WITHOUT_CONFIRM_MAX)
    throw new RangeError(
      `bootsWithoutConfirm must be 1 to ${BOOTS_WITHOUT_CONFIRM_MAX}, not ${bootsWithoutConfirm}`,
    );
  const label = new Uint8Array(LABEL_SIZE).fill(0xff);
  label.set([...MAGIC, bootsWithoutConfirm]);
  return label;
}

/** Undefined for a label without the magic or with an impossible N: such an entry behaves as ESP-IDF's. */
export function readBootCounter(label: Uint8Array): BootCounter | undefined {
  const granted = label[2] ?? 0;
  if (label[0] !== MAGIC[0] || label[1] !== MAGIC[1]) return undefined;
  if (granted < 1 || granted > BOOTS_WITHOUT_CONFIRM_MAX) return undefined;
  let begun = 0;
  for (let index = TALLY_OFFSET; index < LABEL_SIZE; index++) {
    let cleared = ~(label[index] ?? 0) & 0xff;
    for (; cleared !== 0; cleared &= cleared - 1) begun++;
  }
  return { bootsWithoutConfirm: granted, bootsBegun: begun };
}

/** The byte of the label that counts one more boot, and its new value; undefined when the tally is full. */
export function nextTally(label: Uint8Array): { readonly index: number; readonly value: number } | undefined {
  for (let index = TALLY_OFFSET; index < LABEL_SIZE; index++) {
    const byte = label[index] ?? 0;
    for (let bit = 0x80; bit !== 0; bit >>= 1) if ((byte & bit) !== 0) return { index, value: byte & ~bit };
  }
  return undefined;
}
