import { SLIP_END, SLIP_ESC, SLIP_ESC_END, SLIP_ESC_ESC } from '../../src/rom/slip.ts';

/**
 * The mask ROM's packet receiver, as its machine code has it.
 *
 * It is more forgiving than SLIP: a wrong escape keeps the byte, a packet too long loses its end, and the buffer
 * is never cleared, so a short packet leaves the bytes of the one before in place. Loaders answer from them.
 */
export class RomReceiver {
  /** The last packet, and behind it whatever earlier ones left. */
  readonly buffer: Uint8Array;
  #length = 0;
  #inFrame = false;
  #escaped = false;

  constructor(bufferSize: number) {
    this.buffer = new Uint8Array(bufferSize);
  }

  /** Length of the packet that `byte` completed; undefined while there is none. */
  receive(byte: number): number | undefined {
    if (!this.#inFrame) {
      this.#inFrame = byte === SLIP_END;
      return undefined;
    }
    if (this.#escaped) {
      this.#escaped = false;
      if (byte === SLIP_ESC_END) this.#keep(SLIP_END);
      else if (byte === SLIP_ESC_ESC) this.#keep(SLIP_ESC);
      else this.#keep(byte);
      return undefined;
    }
    if (byte === SLIP_ESC) {
      this.#escaped = true;
      return undefined;
    }
    if (byte !== SLIP_END) {
      this.#keep(byte);
      return undefined;
    }
    if (this.#length === 0) return undefined;
    const length = this.#length;
    this.#length = 0;
    this.#inFrame = false;
    return length;
  }

  #keep(byte: number): void {
    if (this.#length < this.buffer.length) this.buffer[this.#length++] = byte;
  }
}
