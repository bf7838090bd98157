import { decode, encode, rfc8949EncodeOptions, type Token, Tokenizer, Type } from 'cborg';
import { type Decoded, refuseBytes } from './decoded.ts';

export type CborMap = Map<CborValue, CborValue>;
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly CborValue[]
  | CborMap;

/** Arrays and maps one message may hold. Bounds nesting too, so a decoder cannot be driven into deep recursion. */
const CONTAINERS_MAX = 64;

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

/** Core deterministic encoding: shortest forms, map keys in bytewise order. Source: RFC 8949 section 4.2.1. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

const AS_INSERTED = { mapSorter: () => 0 } as const;

/** As `encodeCbor`, but map entries keep their order: DICE certificates are compared byte for byte. */
export function encodeCborInOrder(value: CborValue): Uint8Array {
  return encode(value, AS_INSERTED);
}

/**
 * Decodes one whole item of at most `bytesMax` bytes: definite lengths, shortest integers, no duplicate keys,
 * no tags, nothing left over. `what` names the item in the refusal.
 */
export function decodeCbor(bytes: Uint8Array, bytesMax: number, what: string): Decoded<CborValue> {
  if (bytes.length > bytesMax)
    return refuseBytes('too-large', `${what} is ${bytes.length} bytes; at most ${bytesMax} are read`);
  // A plain view: slices of a Buffer would alias the sender's memory.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const value: CborValue = decode(plain, { ...STRICT, tokenizer: new CountingTokenizer(plain, STRICT) });
    return { ok: true, value };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CBOR decode error: /, '') : String(cause);
    return refuseBytes('not-cbor', `${what} is not well-formed CBOR: ${reason}`);
  }
}

class CountingTokenizer extends Tokenizer {
  #containers = 0;

  override next(): Token {
    const token = super.next();
    if (Type.equals(token.type, Type.array) || Type.equals(token.type, Type.map)) {
      this.#containers += 1;
      if (this.#containers > CONTAINERS_MAX) throw new Error(`more than ${CONTAINERS_MAX} arrays and maps`);
    }
    return token;
  }
}
