import { equalBytes, hexOf } from './bytes.ts';
import { type CborMap, type CborValue, decodeCbor, encodeCborInOrder } from './cbor.ts';
import { decodeSign1, encodeSign1, type Sign1 } from './cose.ts';
import { decodeCoseKey, encodeCoseKey } from './cose-key.ts';
import { type Decoded, refuseBytes } from './decoded.ts';
import {
  configurationInput,
  DICE_MODES,
  type DiceConfiguration,
  type DiceInputs,
  type DiceMode,
  deriveId,
  INPUT_BYTES,
  modeByte,
} from './dice.ts';
import type { SigningKey } from './signing-key.ts';

/**
 * CBOR certificate of a layer's key: an untagged COSE_Sign1 over a CWT map.
 * Source: open-dice docs/specification.md, "CBOR UDS/CDI certificates".
 */
const LABEL = {
  issuer: 1,
  subject: 2,
  codeHash: -4670545,
  codeDescriptor: -4670546,
  configurationHash: -4670547,
  configurationDescriptor: -4670548,
  authorityHash: -4670549,
  authorityDescriptor: -4670550,
  mode: -4670551,
  subjectPublicKey: -4670552,
  keyUsage: -4670553,
  profileName: -4670554,
} as const;

/** What the certified key may do: certify the next layer, or sign tokens. */
export type KeyUsage = 'certificates' | 'tokens';

/** keyCertSign and digitalSignature, as bits counted from the lowest. Source: RFC 5280 section 4.2.1.3. */
const KEY_USAGE_BYTE: Readonly<Record<KeyUsage, number>> = { certificates: 0x20, tokens: 0x01 };

export interface CertificateRequest {
  readonly issuer: SigningKey;
  /** Raw public key being certified: 32 bytes Ed25519 or X‖Y of P-256. */
  readonly subjectPublicKey: Uint8Array;
  readonly inputs: DiceInputs;
  /** Names the profile when it is not the default one, which is Ed25519. */
  readonly profileName?: string;
}

export interface CdiCertificate {
  /** Hex of the 20-byte ID of the issuer's and of the subject's key. */
  readonly issuerId: string;
  readonly subjectId: string;
  readonly codeHash: Uint8Array;
  readonly configuration: DiceConfiguration;
  readonly authorityHash: Uint8Array;
  readonly mode: DiceMode;
  readonly subjectPublicKey: Uint8Array;
  readonly keyUsage: KeyUsage;
  readonly profileName: string | undefined;
  readonly signed: Sign1;
}

export function encodeCdiCertificate(request: CertificateRequest, keyUsage: KeyUsage): Uint8Array {
  const { inputs, subjectPublicKey } = request;
  const claims = new Map<CborValue, CborValue>([
    [LABEL.issuer, hexOf(deriveId(request.issuer.publicKey))],
    [LABEL.subject, hexOf(deriveId(subjectPublicKey))],
    [LABEL.codeHash, inputs.codeHash],
  ]);
  if (inputs.codeDescriptor !== undefined) claims.set(LABEL.codeDescriptor, inputs.codeDescriptor);
  if (inputs.configuration.kind === 'inline') {
    claims.set(LABEL.configurationDescriptor, inputs.configuration.value);
  } else {
    claims.set(LABEL.configurationDescriptor, inputs.configuration.descriptor);
    claims.set(LABEL.configurationHash, configurationInput(inputs.configuration));
  }
  claims.set(LABEL.authorityHash, inputs.authorityHash);
  if (inputs.authorityDescriptor !== undefined)
    claims.set(LABEL.authorityDescriptor, inputs.authorityDescriptor);
  claims.set(LABEL.mode, modeByte(inputs.mode));
  claims.set(LABEL.subjectPublicKey, encodeCoseKey(subjectPublicKey));
  claims.set(LABEL.keyUsage, Uint8Array.of(KEY_USAGE_BYTE[keyUsage]));
  if (request.profileName !== undefined) claims.set(LABEL.profileName, request.profileName);
  return encodeSign1(request.issuer, encodeCborInOrder(claims), 'untagged');
}

/** Checks that the certificate holds together; whether its signature is right is the caller's question. */
export function decodeCdiCertificate(bytes: Uint8Array, what: string): Decoded<CdiCertificate> {
  const message = decodeSign1(bytes, 'untagged', what);
  if (!message.ok) return message;
  const payload = decodeCbor(message.value.payload, 4096, `the payload of ${what}`);
  if (!payload.ok) return payload;
  if (!(payload.value instanceof Map))
    return refuseBytes('wrong-type', `the payload of ${what} is not a map`);
  return readClaims(payload.value, message.value, what);
}

function readClaims(claims: CborMap, signed: Sign1, what: string): Decoded<CdiCertificate> {
  const issuerId = claims.get(LABEL.issuer);
  const subjectId = claims.get(LABEL.subject);
  if (typeof issuerId !== 'string' || typeof subjectId !== 'string')
    return refuseBytes('missing', `${what} does not name its issuer and its subject`);
  const codeHash = claims.get(LABEL.codeHash);
  const authorityHash = claims.get(LABEL.authorityHash);
  if (!isInput(codeHash) || !isInput(authorityHash))
    return refuseBytes('missing', `${what} needs a code hash and an authority hash of ${INPUT_BYTES} bytes`);
  const configuration = readConfiguration(claims);
  if (configuration === undefined)
    return refuseBytes('missing', `${what} has no configuration, or one that is not what its hash says`);
  const mode = readMode(claims.get(LABEL.mode));
  if (mode === undefined) return refuseBytes('out-of-range', `${what} has no mode from 0 to 3`);
  const keyUsage = readKeyUsage(claims.get(LABEL.keyUsage));
  if (keyUsage === undefined)
    return refuseBytes('out-of-range', `${what} must allow its key one use: certificates, or tokens`);
  const subjectPublicKey = decodeCoseKey(claims.get(LABEL.subjectPublicKey), what);
  if (!subjectPublicKey.ok) return subjectPublicKey;
  const profileName = claims.get(LABEL.profileName);
  if (profileName !== undefined && typeof profileName !== 'string')
    return refuseBytes('wrong-type', `the profile name of ${what} is not text`);
  return {
    ok: true,
    value: {
      issuerId,
      subjectId,
      codeHash,
      configuration,
      authorityHash,
      mode,
      subjectPublicKey: subjectPublicKey.value,
      keyUsage,
      profileName,
      signed,
    },
  };
}

function isInput(value: CborValue): value is Uint8Array {
  return value instanceof Uint8Array && value.length === INPUT_BYTES;
}

function readConfiguration(claims: CborMap): DiceConfiguration | undefined {
  const descriptor = claims.get(LABEL.configurationDescriptor);
  if (!(descriptor instanceof Uint8Array)) return undefined;
  if (!claims.has(LABEL.configurationHash))
    return isInput(descriptor) ? { kind: 'inline', value: descriptor } : undefined;
  const configuration: DiceConfiguration = { kind: 'descriptor', descriptor };
  const stated = claims.get(LABEL.configurationHash);
  return isInput(stated) && equalBytes(stated, configurationInput(configuration)) ? configuration : undefined;
}

function readMode(value: CborValue): DiceMode | undefined {
  return value instanceof Uint8Array && value.length === 1 ? DICE_MODES[value[0] ?? -1] : undefined;
}

function readKeyUsage(value: CborValue): KeyUsage | undefined {
  if (!(value instanceof Uint8Array) || value.length !== 1) return undefined;
  if (value[0] === KEY_USAGE_BYTE.certificates) return 'certificates';
  return value[0] === KEY_USAGE_BYTE.tokens ? 'tokens' : undefined;
}
