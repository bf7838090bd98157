import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { type Decoded, refuseBytes } from './decoded.ts';
import { SIGNATURE_BYTES, type SignatureAlgorithm, type SigningKey, type VerifyKey } from './signing-key.ts';

/** COSE_Sign1, the single-signer message. Source: RFC 9052 sections 4.2 and 4.4. */
export interface Sign1 {
  readonly algorithm: SignatureAlgorithm;
  /** The protected header as it was sent; the signature covers these very bytes. */
  readonly protectedHeader: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** A token starts with CBOR tag 18; DICE certificates are the same structure without it. */
export type Sign1Form = 'tagged' | 'untagged';

/** Largest message read. A DICE certificate with descriptors is under 1 KiB. */
const SIGN1_BYTES_MAX = 4096;
/** Tag 18 in its one-byte form. Source: RFC 9052 section 2. */
const TAG_SIGN1 = 0xd2;
/** Header parameter alg. Source: RFC 9052 section 3.1. */
const HEADER_ALG = 1;
/** Source: RFC 9053 tables 1 and 2. */
const ALGORITHM_NUMBER: Readonly<Record<SignatureAlgorithm, number>> = { ES256: -7, EdDSA: -8 };

const PROTECTED_HEADER: Readonly<Record<SignatureAlgorithm, Uint8Array>> = {
  ES256: encodeCbor(new Map([[HEADER_ALG, ALGORITHM_NUMBER.ES256]])),
  EdDSA: encodeCbor(new Map([[HEADER_ALG, ALGORITHM_NUMBER.EdDSA]])),
};

const NOTHING = new Uint8Array(0);

/** Signs `payload`; the protected header holds the algorithm alone, the unprotected one is empty. */
export function encodeSign1(key: SigningKey, payload: Uint8Array, form: Sign1Form): Uint8Array {
  const protectedHeader = PROTECTED_HEADER[key.algorithm];
  const signature = key.sign(signedBytes(protectedHeader, payload));
  const message = encodeCbor([protectedHeader, new Map(), payload, signature]);
  return form === 'tagged' ? new Uint8Array(Buffer.concat([Uint8Array.of(TAG_SIGN1), message])) : message;
}

/**
 * Takes a message apart without judging its signature.
 *
 * Stricter than COSE: anything unsigned in a message could be changed on the way without anybody noticing, so
 * the unprotected header must be empty, and the protected one may hold nothing but the algorithm.
 */
export function decodeSign1(bytes: Uint8Array, form: Sign1Form, what: string): Decoded<Sign1> {
  if (form === 'tagged' && bytes[0] !== TAG_SIGN1)
    return refuseBytes('wrong-type', `${what} is not a COSE_Sign1 message: it does not start with tag 18`);
  const decoded = decodeCbor(form === 'tagged' ? bytes.subarray(1) : bytes, SIGN1_BYTES_MAX, what);
  if (!decoded.ok) return decoded;
  const parts = decoded.value;
  if (!Array.isArray(parts) || parts.length !== 4)
    return refuseBytes('wrong-type', `${what} is not a COSE_Sign1 message: an array of four is expected`);
  const [protectedHeader, unprotected, payload, signature] = parts as readonly CborValue[];
  if (!(protectedHeader instanceof Uint8Array) || !(payload instanceof Uint8Array))
    return refuseBytes('wrong-type', `the protected header and the payload of ${what} must be byte strings`);
  if (!(unprotected instanceof Map) || unprotected.size !== 0)
    return refuseBytes('wrong-type', `the unprotected header of ${what} must be an empty map`);
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES)
    return refuseBytes('wrong-type', `the signature of ${what} must be ${SIGNATURE_BYTES} bytes`);
  const algorithm = decodeAlgorithm(protectedHeader, what);
  if (!algorithm.ok) return algorithm;
  return { ok: true, value: { algorithm: algorithm.value, protectedHeader, payload, signature } };
}

/** Whether `key` made the signature; false, too, when the message names another algorithm than the key's. */
export function verifySign1(message: Sign1, key: VerifyKey): boolean {
  if (message.algorithm !== key.algorithm) return false;
  return key.verify(signedBytes(message.protectedHeader, message.payload), message.signature);
}

/** Sig_structure with empty external data. Source: RFC 9052 section 4.4. */
function signedBytes(protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(['Signature1', protectedHeader, NOTHING, payload]);
}

function decodeAlgorithm(protectedHeader: Uint8Array, what: string): Decoded<SignatureAlgorithm> {
  if (Buffer.compare(protectedHeader, PROTECTED_HEADER.EdDSA) === 0) return { ok: true, value: 'EdDSA' };
  if (Buffer.compare(protectedHeader, PROTECTED_HEADER.ES256) === 0) return { ok: true, value: 'ES256' };
  const decoded = decodeCbor(protectedHeader, 256, `the protected header of ${what}`);
  if (!decoded.ok) return decoded;
  const algorithm = decoded.value instanceof Map ? decoded.value.get(HEADER_ALG) : undefined;
  if (typeof algorithm === 'number' && !Object.values(ALGORITHM_NUMBER).includes(algorithm)) {
    const message = `${what} is signed with COSE algorithm ${algorithm}; EdDSA (-8) and ES256 (-7) are supported`;
    return refuseBytes('unsupported-algorithm', message);
  }
  return refuseBytes(
    'wrong-type',
    `the protected header of ${what} must be a map holding the algorithm alone`,
  );
}
