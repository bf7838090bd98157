import { DATA_HEADER_SIZE, HEADER_SIZE } from '../../src/rom/packet.ts';

/** A request as a ROM handler sees it: fields at fixed places of a buffer that older packets may have filled. */
export class RomRequest {
  /** Bytes of data the header announces; what really came is never looked at. */
  readonly size: number;
  readonly #buffer: Uint8Array;
  readonly #view: DataView;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.size = this.#view.getUint16(2, true);
  }

  get fromHost(): boolean {
    return this.#buffer[0] === 0;
  }

  get opcode(): number {
    return this.#buffer[1] ?? 0;
  }

  get checksum(): number {
    return this.#buffer[4] ?? 0;
  }

  /** Data byte `index`. */
  byte(index: number): number {
    return this.#buffer[HEADER_SIZE + index] ?? 0;
  }

  /** Data word `index`, little-endian; 0 past the end of the buffer. */
  word(index: number): number {
    const at = HEADER_SIZE + index * 4;
    return at + 4 <= this.#buffer.length ? this.#view.getUint32(at, true) : 0;
  }

  /** Bytes of a data command, after its header of four words. */
  payload(length: number): Uint8Array {
    const at = HEADER_SIZE + DATA_HEADER_SIZE;
    return this.#buffer.slice(at, at + length);
  }
}

/** What a ROM handler made of a request. */
export interface RomOutcome {
  readonly failed: boolean;
  /** Left out where the ROM leaves its error byte as the last command set it. */
  readonly error?: number;
  /** What stands before the status; none by default. */
  readonly data?: Uint8Array;
}

/** Success of a handler that clears the error byte. */
export const CLEARED: RomOutcome = { failed: false, error: 0 };
/** Success of a handler that does not touch the error byte. */
export const DONE: RomOutcome = { failed: false };

export function failure(error: number): RomOutcome {
  return { failed: true, error };
}
