/** The few DER forms that a DICE certificate needs. Source: ITU-T X.690 sections 8 and 10. */

/** Tag, shortest length, content. */
export function derValue(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, ...derLength(body.length)), body]));
}

export const derSequence = (...content: readonly Uint8Array[]) => derValue(0x30, ...content);
export const derSet = (...content: readonly Uint8Array[]) => derValue(0x31, ...content);
export const derOctets = (bytes: Uint8Array) => derValue(0x04, bytes);
export const derTrue = () => derValue(0x01, Uint8Array.of(0xff));
export const derEnumerated = (value: number) => derValue(0x0a, Uint8Array.of(value));
export const derText = (tag: number, text: string) => derValue(tag, Buffer.from(text, 'utf8'));

/** `[number] EXPLICIT`. */
export const derExplicit = (number: number, content: Uint8Array) => derValue(0xa0 | number, content);

/** A non-negative INTEGER from big-endian bytes: no leading zeros but the one that keeps it positive. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const magnitude = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  const sign = (magnitude[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return derValue(0x02, sign, magnitude);
}

/** A BIT STRING; `unusedBits` counts those at its end that carry nothing. */
export const derBits = (bytes: Uint8Array, unusedBits = 0) =>
  derValue(0x03, Uint8Array.of(unusedBits), bytes);

/** An OBJECT IDENTIFIER from its dotted text. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return derValue(0x06, Uint8Array.from(bytes));
}

function derLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  return [0x80 | bytes.length, ...bytes];
}
