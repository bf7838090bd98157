import { timingSafeEqual } from 'node:crypto';
import { viewOf } from '../../esp/byte-fields.ts';

/**
 * NaCl's secretbox, XSalsa20 with Poly1305, which cosign's key files use and node:crypto does not have.
 * Source: Bernstein, "Extending the Salsa20 nonce" (2011) and "The Poly1305-AES message-authentication
 * code" (2005).
 */
export const SECRETBOX_KEY_BYTES = 32;
export const SECRETBOX_NONCE_BYTES = 24;
const TAG_BYTES = 16;
const BLOCK_BYTES = 64;
/** "expand 32-byte k" */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
/** Quarter rounds of one double round: four columns, then four rows. */
const QUARTERS = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

/** The plain text, or undefined when key, nonce and box do not belong together. */
export function openSecretbox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (key.length !== SECRETBOX_KEY_BYTES || nonce.length !== SECRETBOX_NONCE_BYTES || box.length < TAG_BYTES)
    return undefined;
  const subkey = hsalsa20(key, nonce.subarray(0, 16));
  const cipher = box.subarray(TAG_BYTES);
  const stream = salsa20(subkey, nonce.subarray(16), SECRETBOX_KEY_BYTES + cipher.length);
  const tag = poly1305(cipher, stream.subarray(0, SECRETBOX_KEY_BYTES));
  if (!timingSafeEqual(tag, box.subarray(0, TAG_BYTES))) return undefined;
  return cipher.map((byte, at) => byte ^ (stream[SECRETBOX_KEY_BYTES + at] ?? 0));
}

function hsalsa20(key: Uint8Array, input: Uint8Array): Uint8Array {
  const mixed = doubleRounds(stateOf(key, input));
  const out = new Uint8Array(SECRETBOX_KEY_BYTES);
  for (const [index, word] of [0, 5, 10, 15, 6, 7, 8, 9].entries())
    viewOf(out).setUint32(4 * index, mixed[word] ?? 0, true);
  return out;
}

function salsa20(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const input = new Uint8Array(16);
  input.set(nonce);
  const out = new Uint8Array(Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES);
  for (let block = 0; block * BLOCK_BYTES < length; block++) {
    viewOf(input).setUint32(8, block, true);
    const state = stateOf(key, input);
    for (const [word, value] of doubleRounds(state).entries())
      viewOf(out).setUint32(block * BLOCK_BYTES + 4 * word, value + (state[word] ?? 0), true);
  }
  return out.subarray(0, length);
}

function stateOf(key: Uint8Array, input: Uint8Array): Uint32Array {
  const word = (bytes: Uint8Array, index: number): number => viewOf(bytes).getUint32(4 * index, true);
  const state = new Uint32Array(16);
  for (let i = 0; i < 4; i++) {
    state[5 * i] = CONSTANTS[i as 0 | 1 | 2 | 3];
    state[1 + i] = word(key, i);
    state[6 + i] = word(input, i);
    state[11 + i] = word(key, 4 + i);
  }
  return state;
}

function doubleRounds(state: Uint32Array): Uint32Array {
  const x = state.slice();
  const mix = (to: number, from: number, other: number, bits: number): void => {
    const sum = ((x[from] ?? 0) + (x[other] ?? 0)) >>> 0;
    x[to] = (x[to] ?? 0) ^ ((sum << bits) | (sum >>> (32 - bits)));
  };
  for (let round = 0; round < 10; round++)
    for (const [a, b, c, d] of QUARTERS) {
      mix(b, a, d, 7);
      mix(c, b, a, 9);
      mix(d, c, b, 13);
      mix(a, d, c, 18);
    }
  return x;
}

function poly1305(message: Uint8Array, key: Uint8Array): Uint8Array {
  const prime = 2n ** 130n - 5n;
  const r = toNumber(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + toNumber(block) + 2n ** BigInt(8 * block.length)) * r) % prime;
  }
  const tag = (sum + toNumber(key.subarray(16))) & (2n ** 128n - 1n);
  return new Uint8Array(Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse());
}

function toNumber(littleEndian: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`);
}
