import { EMIT_BYTES_MAX } from './decompressor.ts';
import type { DeltaRefusalCode } from './refusal.ts';
import { SizeReader } from './size-field.ts';

export type PatchFault = readonly [code: DeltaRefusalCode, message: string];

export interface PatchPorts {
  /** How far the base may be read. */
  readonly baseBytes: number;
  /** `length` bytes of the base, at most 512, always inside it. */
  readonly readBase: (offset: number, length: number) => Uint8Array;
  /**
   * The next bytes of the result, 4096 at a time but for the last; the array is the receiver's to keep.
   * False when they could not be written, which ends it.
   */
  readonly write: (bytes: Uint8Array) => boolean;
}

/** Result is handed out in flash sectors, so that none is erased or programmed twice. */
const SECTOR_BYTES = 4096;
/** What a reader holds beside the decompressor's window: a sector, decompressed bytes, CRLE's run. */
export const PATCH_BUFFER_BYTES = SECTOR_BYTES + 2 * EMIT_BYTES_MAX;

type State = 'data-format' | 'diff-size' | 'diff' | 'extra-size' | 'extra' | 'adjustment' | 'done';

/**
 * The decompressed part of a sequential patch: blocks of a diff, which is added to the base byte by
 * byte, an extra, which is taken as it is, and an adjustment of the place in the base.
 * Source: detools, docs, "Sequential", and apply.py.
 */
export class PatchMachine {
  readonly #ports: PatchPorts;
  readonly #size = new SizeReader('signed');
  #targetBytes = 0;
  #doneBytes = 0;
  #state: State = 'done';
  #left = 0;
  #basePosition = 0;
  #blocks = 0;
  #sector = new Uint8Array(0);
  #sectorLength = 0;

  constructor(ports: PatchPorts) {
    this.#ports = ports;
  }

  get targetBytes(): number {
    return this.#targetBytes;
  }

  begin(targetBytes: number): void {
    this.#targetBytes = targetBytes;
    this.#state = targetBytes === 0 ? 'done' : 'data-format';
  }

  push(bytes: Uint8Array): PatchFault | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'done') return ['trailing', 'bytes follow the end of the patch'];
      if (this.#state === 'diff' || this.#state === 'extra') {
        const piece = bytes.subarray(at, at + this.#left);
        const fault = this.#state === 'diff' ? this.#addDiff(piece) : this.#put(piece);
        if (fault !== undefined) return fault;
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = this.#state === 'diff' ? 'extra-size' : 'adjustment';
        continue;
      }
      const size = this.#size.push(bytes[at++] ?? 0);
      if (size === undefined) continue;
      const fault: PatchFault | undefined =
        size === 'overflow' ? ['malformed', `a ${this.#state} above 2 GiB`] : this.#takeSize(size);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  finish(): PatchFault | undefined {
    if (this.#state !== 'done')
      return [
        'truncated',
        `the patch ends after ${this.#doneBytes} of ${this.#targetBytes} bytes, before its ${this.#state}`,
      ];
    return this.#flush();
  }

  #takeSize(size: number): PatchFault | undefined {
    switch (this.#state) {
      case 'data-format':
        this.#state = 'diff-size';
        if (size === 0) return undefined;
        return [
          'unsupported-data-format',
          'the patch rewrites addresses by a data format; none is known here',
        ];
      case 'diff-size':
        // Without this a patch of empty blocks would keep a board busy for as long as it likes.
        if (this.#blocks++ > 2 * this.#targetBytes + 16) return ['malformed', 'more blocks than bytes'];
        return this.#expect(size, 'diff', 'extra-size');
      case 'extra-size':
        return this.#expect(size, 'extra', 'adjustment');
      default:
        this.#basePosition += size;
        this.#state = this.#doneBytes === this.#targetBytes ? 'done' : 'diff-size';
        return undefined;
    }
  }

  #expect(size: number, part: 'diff' | 'extra', next: State): PatchFault | undefined {
    if (size < 0 || this.#doneBytes + size > this.#targetBytes)
      return [
        'malformed',
        `${part} of ${size} bytes where ${this.#targetBytes - this.#doneBytes} are missing`,
      ];
    const end = this.#basePosition + size;
    if (part === 'diff' && size > 0 && (this.#basePosition < 0 || end > this.#ports.baseBytes))
      return ['past-base', `needs base bytes ${this.#basePosition} to ${end} of ${this.#ports.baseBytes}`];
    this.#left = size;
    this.#state = size === 0 ? next : part;
    return undefined;
  }

  #addDiff(diff: Uint8Array): PatchFault | undefined {
    const base = this.#ports.readBase(this.#basePosition, diff.length);
    this.#basePosition += diff.length;
    return this.#put(diff, base);
  }

  /** Appends `bytes`, each with the byte of `base` at its place added to it. */
  #put(bytes: Uint8Array, base?: Uint8Array): PatchFault | undefined {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#sectorLength === 0)
        this.#sector = new Uint8Array(Math.min(SECTOR_BYTES, this.#targetBytes - this.#doneBytes));
      this.#sector[this.#sectorLength++] = (bytes[at] ?? 0) + (base?.[at] ?? 0);
      this.#doneBytes++;
      if (this.#sectorLength === this.#sector.length) {
        const fault = this.#flush();
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  }

  #flush(): PatchFault | undefined {
    if (this.#sectorLength === 0) return undefined;
    this.#sectorLength = 0;
    return this.#ports.write(this.#sector) ? undefined : ['write-failed', 'the result could not be written'];
  }
}
