/** A little-endian window on the same memory: every multi-byte field of ESP-IDF is little-endian. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text of a zero-padded field, which need not end in a zero. Bytes above 0x7f come out as Latin-1. */
export function readText(bytes: Uint8Array, offset: number, length: number): string {
  let text = '';
  for (let at = offset; at < offset + length; at++) {
    const code = bytes[at] ?? 0;
    if (code === 0) break;
    text += String.fromCharCode(code);
  }
  return text;
}

/** Writes `text` zero-padded. Throws RangeError when it needs more than `length` Latin-1 bytes. */
export function writeText(bytes: Uint8Array, offset: number, length: number, text: string): void {
  if (text.length > length) throw new RangeError(`"${text}" is longer than its ${length} byte field`);
  for (let index = 0; index < length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 0;
    if (code > 0xff) throw new RangeError(`"${text}" has a character outside Latin-1`);
    bytes[offset + index] = code;
  }
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** True when every byte is 0xff, as NOR flash reads after an erase. */
export function isErased(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0xff) return false;
  return true;
}

/** `value` rounded up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
