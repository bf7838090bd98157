import { concatBytes } from './bytes.ts';
import { type CborValue, decodeCbor, encodeCborInOrder } from './cbor.ts';
import { type Decoded, refuseBytes } from './decoded.ts';

/** Labels and values of a COSE_Key. Source: RFC 9052 section 7.1; RFC 9053 sections 7.1.1 and 7.2. */
const KTY = 1;
const ALG = 3;
const KEY_OPS = 4;
const CRV = -1;
const X = -2;
const Y = -3;
const KTY_OKP = 1;
const KTY_EC2 = 2;
const CRV_P256 = 1;
const CRV_ED25519 = 6;
const OP_VERIFY = 2;

/** COSE_Key of a raw public key, in the field order that open-dice writes. */
export function encodeCoseKey(publicKey: Uint8Array): Uint8Array {
  const isEd25519 = publicKey.length === 32;
  const fields: [CborValue, CborValue][] = [
    [KTY, isEd25519 ? KTY_OKP : KTY_EC2],
    [ALG, isEd25519 ? -8 : -7],
    [KEY_OPS, [OP_VERIFY]],
    [CRV, isEd25519 ? CRV_ED25519 : CRV_P256],
    [X, publicKey.subarray(0, 32)],
  ];
  if (!isEd25519) fields.push([Y, publicKey.subarray(32)]);
  return encodeCborInOrder(new Map(fields));
}

/** Raw public key of a COSE_Key held in a byte string: 32 bytes Ed25519, or X‖Y of P-256. */
export function decodeCoseKey(field: CborValue, what: string): Decoded<Uint8Array> {
  if (!(field instanceof Uint8Array)) return refuseBytes('missing', `${what} holds no subject public key`);
  const decoded = decodeCbor(field, 256, `the subject public key of ${what}`);
  if (!decoded.ok) return decoded;
  const key = decoded.value;
  if (!(key instanceof Map))
    return refuseBytes('wrong-type', `the subject public key of ${what} is not a map`);
  const x = key.get(X);
  const y = key.get(Y);
  if (x instanceof Uint8Array && x.length === 32) {
    if (key.get(KTY) === KTY_OKP && key.get(CRV) === CRV_ED25519) return { ok: true, value: x };
    const isP256 = key.get(KTY) === KTY_EC2 && key.get(CRV) === CRV_P256;
    if (isP256 && y instanceof Uint8Array && y.length === 32) return { ok: true, value: concatBytes(x, y) };
  }
  return refuseBytes('unsupported-algorithm', `the subject key of ${what} is neither Ed25519 nor P-256`);
}
