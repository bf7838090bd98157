/** SLIP framing of the ESP serial loaders. Source: RFC 1055; esptool docs, serial protocol, "Low level protocol". */
export const SLIP_END = 0xc0;
export const SLIP_ESC = 0xdb;
export const SLIP_ESC_END = 0xdc;
export const SLIP_ESC_ESC = 0xdd;

/** Wraps one packet. Output is at most `2 * payload.length + 2` bytes. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  let size = payload.length + 2;
  for (const byte of payload) if (byte === SLIP_END || byte === SLIP_ESC) size++;
  const frame = new Uint8Array(size);
  frame[0] = SLIP_END;
  let at = 1;
  for (const byte of payload) {
    if (byte === SLIP_END || byte === SLIP_ESC) {
      frame[at++] = SLIP_ESC;
      frame[at++] = byte === SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
    } else frame[at++] = byte;
  }
  frame[at] = SLIP_END;
  return frame;
}

export type SlipEvent =
  | { readonly kind: 'frame'; readonly payload: Uint8Array }
  /** Bytes outside any frame: boot log, panic text, line noise. Never thrown away. */
  | { readonly kind: 'stray'; readonly bytes: Uint8Array }
  | { readonly kind: 'broken'; readonly reason: 'bad-escape' | 'too-long' };

/**
 * The host's side of the line: feed it chunks cut anywhere, it never throws and never blocks.
 *
 * Each frame brings its own two delimiters, as the loaders send them. Memory is bounded by `frameBytesMax`.
 */
export class SlipDecoder {
  readonly frameBytesMax: number;
  #inFrame = false;
  #escaped = false;
  #pending: number[] = [];

  constructor(frameBytesMax = 64 * 1024) {
    this.frameBytesMax = frameBytesMax;
  }

  /** What `chunk` completed, in order. Stray bytes are handed on at the end of every chunk. */
  push(chunk: Uint8Array): SlipEvent[] {
    const events: SlipEvent[] = [];
    for (const byte of chunk) {
      if (byte === SLIP_END) this.#delimiter(events);
      else if (!this.#inFrame) this.#pending.push(byte);
      else if (this.#escaped) this.#unescape(byte, events);
      else if (byte === SLIP_ESC) this.#escaped = true;
      else this.#pending.push(byte);
      if (this.#pending.length > this.frameBytesMax) {
        if (this.#inFrame) this.#abandon('too-long', events);
        else events.push({ kind: 'stray', bytes: this.#take() });
      }
    }
    if (!this.#inFrame && this.#pending.length > 0) events.push({ kind: 'stray', bytes: this.#take() });
    return events;
  }

  #delimiter(events: SlipEvent[]): void {
    if (this.#escaped) {
      this.#abandon('bad-escape', events);
      return;
    }
    if (this.#inFrame && this.#pending.length > 0) {
      events.push({ kind: 'frame', payload: this.#take() });
      this.#inFrame = false;
      return;
    }
    if (this.#pending.length > 0) events.push({ kind: 'stray', bytes: this.#take() });
    this.#inFrame = true;
  }

  #unescape(byte: number, events: SlipEvent[]): void {
    this.#escaped = false;
    if (byte === SLIP_ESC_END) this.#pending.push(SLIP_END);
    else if (byte === SLIP_ESC_ESC) this.#pending.push(SLIP_ESC);
    else this.#abandon('bad-escape', events);
  }

  #take(): Uint8Array {
    const bytes = Uint8Array.from(this.#pending);
    this.#pending = [];
    return bytes;
  }

  #abandon(reason: 'bad-escape' | 'too-long', events: SlipEvent[]): void {
    this.#pending = [];
    this.#inFrame = false;
    this.#escaped = false;
    events.push({ kind: 'broken', reason });
  }
}
