import { DeltaReader } from '../../src/delta/delta-reader.ts';
import type { DeltaRefusal } from '../../src/delta/refusal.ts';
import type { Offer } from '../../src/device/messages.ts';
import type { RunningApp } from './running-app.ts';
import { judgeSlot } from './slot-verdict.ts';

/** The running image as the base of a delta: read in pieces, where it runs from. */
export interface RunningBase {
  /** What it measures to now, `sha256:…`. */
  readonly measurement: string;
  readonly validationHash: Uint8Array;
  readonly lengthBytes: number;
  /** At most 512 bytes at once. */
  readonly read: (offset: number, length: number) => Uint8Array;
}

/** Measured anew: what was true at boot, or what the offer says, is not asked. Undefined when the slot is spoilt. */
export function measureBase({ flash, efuse, partition }: RunningApp): RunningBase | undefined {
  const verdict = judgeSlot(flash, efuse, partition);
  if (!verdict.ok) return undefined;
  const { measurement, storedHash, imageLength } = verdict.value;
  return {
    measurement: `sha256:${measurement}`,
    validationHash: storedHash ?? Uint8Array.from(Buffer.from(measurement, 'hex')),
    lengthBytes: imageLength,
    read: (offset, length) => flash.read(partition.offset + offset, length),
  };
}

/**
 * A delta on its way into the inactive slot: decompressed, added to the running image and written as it comes.
 *
 * Holds what DeltaReader holds, under 6 kB, whatever is sent. With the chunks that the download asks for ahead
 * (two of 32 KiB, as for a full image) that is all the RAM it takes. Nothing of it outlives a reset: the
 * place in the patch is worth nothing without the decoder's window, so the patch is read again from its start.
 */
export class DeltaIntake {
  readonly #reader: DeltaReader;
  #busyMs = 0;

  /** `write` programs the next bytes of the image and returns how long that takes, in ms; undefined: it failed. */
  constructor(base: RunningBase, offer: Offer, write: (bytes: Uint8Array) => number | undefined) {
    this.#reader = new DeltaReader(
      {
        baseBytes: base.lengthBytes,
        readBase: base.read,
        write: (bytes) => {
          const busyMs = write(bytes);
          this.#busyMs += busyMs ?? 0;
          return busyMs !== undefined;
        },
      },
      {
        baseValidationHash: base.validationHash,
        targetSha256: Uint8Array.from(Buffer.from(offer.digest.replace(/^sha256:/, ''), 'hex')),
        targetBytes: offer.sizeBytes,
      },
    );
  }

  /** Takes the next bytes of the delta. Returns how long the flash is busy with them, in ms, or what is wrong. */
  push(chunk: Uint8Array): number | DeltaRefusal {
    return this.#reader.push(chunk) ?? this.#takeBusyMs();
  }

  /** Says that the delta is over: a number means that the whole image was written and has the offered digest. */
  finish(): number | DeltaRefusal {
    return this.#reader.finish() ?? this.#takeBusyMs();
  }

  #takeBusyMs(): number {
    const busyMs = this.#busyMs;
    this.#busyMs = 0;
    return busyMs;
  }
}
