import type { Chip } from '../../src/esp/chips.ts';
import type { ResetReason } from './reset-reason.ts';

/**
 * RTC memory of one chip: what `RTC_NOINIT_ATTR` variables live in. Every reset but the one at power-on leaves it be.
 *
 * Cells that were never written, or lost their power, hold nothing that can be relied on: readers need a checksum.
 * Costs nothing until it is written. Source: ESP32 TRM, 3.1.1 (no reset level clears RAM); a brown-out resets the
 * chip well above the voltage at which RAM forgets.
 */
export class RtcMemory {
  /** 0 for chips without RTC memory, as the ESP32-C2. */
  readonly sizeBytes: number;
  #bytes: Uint8Array | undefined;

  constructor(chip: Chip) {
    const range = chip.rtc.at(-1);
    this.sizeBytes = range === undefined ? 0 : range.end - range.start;
  }

  /** A copy. Throws RangeError past the end. */
  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const bytes = new Uint8Array(length);
    if (this.#bytes !== undefined) bytes.set(this.#bytes.subarray(offset, offset + length));
    return bytes;
  }

  /** Throws RangeError past the end. */
  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    this.#check(offset, bytes.length);
    if (this.#bytes === undefined || this.#bytes.length < end) {
      const grown = new Uint8Array(end);
      grown.set(this.#bytes ?? []);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, offset);
  }

  losePower(): void {
    this.#bytes = undefined;
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes)
      throw new RangeError(`${length} bytes at ${offset} run past ${this.sizeBytes} bytes of RTC memory`);
  }
}

/** Whether RTC memory is what it was before such a reset; the EN pin counts as power-on. */
export function keepsRtcMemory(reason: ResetReason): boolean {
  return reason !== 'power-on';
}
