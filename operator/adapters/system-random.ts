import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../../src/random/random.ts';

/** The system's own randomness: unpredictable, as nonces must be, and so the same for every split. */
export class SystemRandom implements Random {
  split(_name: string): Random {
    return this;
  }

  next(): number {
    return randomBytes(4).readUInt32LE() / 0x1_0000_0000;
  }

  int(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000)
      throw new RangeError(`bound must be a whole number in 1..2^32, not ${bound}`);
    return randomInt(bound);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length));
  }
}
