/** What is wrong with the bytes, in words. */
export type ProtobufError = string;

/**
 * Reads the fields of one protobuf message in order. Malformed bytes end it: `next` is false and `error` says
 * why; values read after that are empty. Source: Protocol Buffers, "Encoding".
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #wire = 0;
  /** Number of the field that `next` came to. */
  field = 0;
  error: ProtobufError | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Goes to the next field; its value must be read or passed before the next call. */
  next(): boolean {
    if (this.error !== undefined || this.#at >= this.#bytes.length) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#wire = tag % 8;
    if (this.error === undefined && this.field === 0) this.#fail('illegal field number 0');
    return this.error === undefined;
  }

  /** Goes past the value. */
  pass(): void {
    switch (this.#wire) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#take(8);
        return;
      case 2:
        this.bytes();
        return;
      case 5:
        this.#take(4);
        return;
      default:
        this.#fail(`wire type ${this.#wire} is not supported`);
    }
  }

  /** A view on the message's own bytes. */
  bytes(): Uint8Array {
    if (!this.#expect(2)) return new Uint8Array(0);
    return this.#take(this.#varint());
  }

  text(): string {
    return Buffer.from(this.bytes()).toString();
  }

  /** A signed whole number; exact up to 2^53. */
  whole(): number {
    return this.#expect(0) ? this.#varint() : 0;
  }

  double(): number {
    if (!this.#expect(1)) return 0;
    const bytes = this.#take(8);
    return bytes.length < 8 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  #expect(wire: number): boolean {
    if (this.error === undefined && this.#wire !== wire)
      this.#fail(`wrong wireType = ${this.#wire} for field ${this.field}`);
    return this.error === undefined;
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) {
      this.#fail('unexpected EOF');
      return new Uint8Array(0);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #varint(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return this.#fail('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    return this.#fail('integer overflow');
  }

  #fail(why: string): number {
    this.error ??= why;
    this.#at = this.#bytes.length;
    return 0;
  }
}
