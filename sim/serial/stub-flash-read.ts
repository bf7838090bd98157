import { createHash } from 'node:crypto';
import { encodeFrame } from '../../src/rom/slip.ts';
import type { LoaderLine } from './loader-hardware.ts';
import type { SpiFlashChip } from './spi-flash-chip.ts';

/** Bytes in flight at most, whatever the host allows: what waits in the port's buffer is memory of ours. */
const IN_FLIGHT_MAX = 64 * 1024;

export interface FlashReadPlan {
  readonly offset: number;
  readonly length: number;
  /** Bytes in a frame, at most a sector. */
  readonly blockSize: number;
  /** Bytes that may be on the way without an acknowledgement; below a block, one frame at a time. */
  readonly inFlightMax: number;
}

/** READ_FLASH under way: frames of flash, each acknowledged with the number of bytes that arrived, then an MD5. */
export class StubFlashRead {
  readonly #flash: SpiFlashChip;
  readonly #line: LoaderLine;
  readonly #plan: FlashReadPlan;
  readonly #digest = createHash('md5');
  #sent = 0;
  #acknowledged = 0;

  constructor(flash: SpiFlashChip, line: LoaderLine, plan: FlashReadPlan) {
    this.#flash = flash;
    this.#line = line;
    this.#plan = plan;
  }

  /** Sends what may go out at once. True when the read is over. */
  start(): boolean {
    return this.#proceed();
  }

  /** Takes the host's count, a little-endian word. True when the read is over: all arrived, or the host lost count. */
  acknowledge(payload: Uint8Array): boolean {
    if (payload.length !== 4) return this.#finish();
    this.#acknowledged = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
    return this.#proceed();
  }

  #proceed(): boolean {
    const { offset, length, blockSize, inFlightMax } = this.#plan;
    if (this.#acknowledged >= length || this.#acknowledged > this.#sent) return this.#finish();
    const window = Math.min(Math.max(1, inFlightMax), IN_FLIGHT_MAX);
    while (this.#sent < length && this.#sent - this.#acknowledged < window) {
      const block = this.#flash.read(offset + this.#sent, Math.min(blockSize, length - this.#sent));
      this.#digest.update(block);
      this.#line.send(encodeFrame(block));
      this.#sent += block.length;
    }
    return false;
  }

  #finish(): true {
    this.#line.send(encodeFrame(this.#digest.digest()));
    return true;
  }
}
