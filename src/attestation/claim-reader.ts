import type { CborMap, CborValue } from './cbor.ts';
import { refuseBytes, type WireFault, type WireRefusal } from './decoded.ts';

/**
 * Reads typed claims out of a map and remembers the first thing wrong.
 *
 * After a refusal the values returned mean nothing; ask `refusal` once everything has been read.
 */
export class ClaimReader {
  readonly #claims: CborMap;
  #refusal: WireRefusal | undefined;

  constructor(claims: CborMap) {
    this.#claims = claims;
  }

  get refusal(): WireRefusal | undefined {
    return this.#refusal;
  }

  refuse(fault: WireFault, message: string): void {
    this.#refusal ??= refuseBytes(fault, message);
  }

  has(key: number): boolean {
    return this.#claims.has(key);
  }

  bytes(key: number, name: string, bytesMin: number, bytesMax: number): Uint8Array {
    const value = this.#get(key, name);
    if (!(value instanceof Uint8Array)) {
      this.refuse('wrong-type', `${name} must be a byte string`);
      return new Uint8Array(0);
    }
    if (value.length < bytesMin || value.length > bytesMax)
      this.refuse('out-of-range', `${name} has ${value.length} bytes, not ${bytesMin} to ${bytesMax}`);
    return value;
  }

  text(key: number, name: string, charactersMax: number): string {
    const value = this.#get(key, name);
    if (typeof value !== 'string') {
      this.refuse('wrong-type', `${name} must be text`);
      return '';
    }
    if (value.length === 0 || value.length > charactersMax)
      this.refuse('out-of-range', `${name} has ${value.length} characters, not 1 to ${charactersMax}`);
    return value;
  }

  uint(key: number, name: string, max: number): number {
    const value = this.#get(key, name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      this.refuse('wrong-type', `${name} must be a whole number`);
      return 0;
    }
    if (value < 0 || value > max) this.refuse('out-of-range', `${name} is ${value}, not 0 to ${max}`);
    return value;
  }

  boolean(key: number, name: string): boolean {
    const value = this.#get(key, name);
    if (typeof value !== 'boolean') this.refuse('wrong-type', `${name} must be true or false`);
    return value === true;
  }

  /** The name at the index that the claim holds. */
  oneOf<const T extends string>(key: number, name: string, names: readonly [T, ...T[]]): T {
    return names[this.uint(key, name, names.length - 1)] ?? names[0];
  }

  array(key: number, name: string, itemsMax: number): readonly CborValue[] {
    const value = this.#get(key, name);
    if (!Array.isArray(value)) {
      this.refuse('wrong-type', `${name} must be an array`);
      return [];
    }
    if (value.length > itemsMax) this.refuse('out-of-range', `${name} has more than ${itemsMax} items`);
    return value as readonly CborValue[];
  }

  /** `value`, refused with `message` unless `isGood` holds. */
  checked<T>(value: T, isGood: (value: T) => boolean, message: string): T {
    if (!isGood(value)) this.refuse('out-of-range', message);
    return value;
  }

  #get(key: number, name: string): CborValue {
    if (!this.#claims.has(key)) this.refuse('missing', `the token has no ${name} claim`);
    return this.#claims.get(key);
  }
}
