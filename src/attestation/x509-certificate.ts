import { hexOf } from './bytes.ts';
import type { CertificateRequest } from './cdi-certificate.ts';
import {
  derBits,
  derEnumerated,
  derExplicit,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derText,
  derTrue,
  derValue,
} from './der.ts';
import { configurationInput, DICE_MODES, type DiceInputs, deriveId } from './dice.ts';
import type { SignatureAlgorithm } from './signing-key.ts';

/**
 * X.509 certificate of a layer's key. Written for peers that speak X.509; evidence carries the CBOR form.
 * Source: open-dice docs/specification.md, "X.509 UDS/CDI certificates".
 */
export function encodeX509Certificate(request: CertificateRequest): Uint8Array {
  const { issuer, subjectPublicKey } = request;
  const issuerId = deriveId(issuer.publicKey);
  const subjectId = deriveId(subjectPublicKey);
  const signatureAlgorithm = SIGNATURE_ALGORITHM[issuer.algorithm];
  const toBeSigned = derSequence(
    derExplicit(0, derInteger(Uint8Array.of(2))),
    derInteger(subjectId),
    signatureAlgorithm,
    name(issuerId),
    VALIDITY,
    name(subjectId),
    subjectPublicKeyInfo(subjectPublicKey),
    derExplicit(3, extensions(issuerId, subjectId, request)),
  );
  const signature = issuer.sign(toBeSigned);
  const encoded = issuer.algorithm === 'EdDSA' ? signature : ecdsaSignature(signature);
  return derSequence(toBeSigned, signatureAlgorithm, derBits(encoded));
}

/** Source: RFC 8410 section 3; RFC 5758 section 3.2. Neither has parameters. */
export const SIGNATURE_ALGORITHM: Readonly<Record<SignatureAlgorithm, Uint8Array>> = {
  EdDSA: derSequence(derOid('1.3.101.112')),
  ES256: derSequence(derOid('1.2.840.10045.4.3.2')),
};

/** From the day the DICE profile was published to the end of X.509 time: the key's life has no date. */
const VALIDITY = derSequence(derText(0x17, '180322235959Z'), derText(0x18, '99991231235959Z'));

/** One RDN: serialNumber (2.5.4.5), a PrintableString with the hex of the key's ID. */
function name(id: Uint8Array): Uint8Array {
  return derSequence(derSet(derSequence(derOid('2.5.4.5'), derText(0x13, hexOf(id)))));
}

/** Of a raw public key: 32 bytes Ed25519 or X‖Y of P-256. Source: RFC 8410 section 4; RFC 5480 section 2. */
export function subjectPublicKeyInfo(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length === 32) return derSequence(derSequence(derOid('1.3.101.112')), derBits(publicKey));
  const algorithm = derSequence(derOid('1.2.840.10045.2.1'), derOid('1.2.840.10045.3.1.7'));
  return derSequence(algorithm, derBits(Buffer.concat([Uint8Array.of(4), publicKey])));
}

function extensions(issuerId: Uint8Array, subjectId: Uint8Array, request: CertificateRequest): Uint8Array {
  const critical = derTrue();
  const extension = (oid: string, value: Uint8Array, ...isCritical: readonly Uint8Array[]) =>
    derSequence(derOid(oid), ...isCritical, derOctets(value));
  return derSequence(
    extension('2.5.29.35', derSequence(derValue(0x80, issuerId))),
    extension('2.5.29.14', derOctets(subjectId)),
    // keyCertSign is bit 5, counted from the top.
    extension('2.5.29.15', derBits(Uint8Array.of(0x04), 2), critical),
    extension('2.5.29.19', derSequence(derTrue()), critical),
    extension('1.3.6.1.4.1.11129.2.1.24', diceExtension(request.inputs, request.profileName), critical),
  );
}

/** diceAttestationData: explicitly tagged fields 0 to 7, absent ones left out. */
function diceExtension(inputs: DiceInputs, profileName: string | undefined): Uint8Array {
  const { configuration } = inputs;
  const isHashed = configuration.kind === 'descriptor';
  const octets = (field: number, bytes: Uint8Array | undefined) =>
    bytes === undefined ? [] : [derExplicit(field, derOctets(bytes))];
  return derSequence(
    ...octets(0, inputs.codeHash),
    ...octets(1, inputs.codeDescriptor),
    ...octets(2, isHashed ? configurationInput(configuration) : undefined),
    ...octets(3, isHashed ? configuration.descriptor : configuration.value),
    ...octets(4, inputs.authorityHash),
    ...octets(5, inputs.authorityDescriptor),
    // The specification says INTEGER; its own encoder writes ENUMERATED, and peers expect that.
    derExplicit(6, derEnumerated(DICE_MODES.indexOf(inputs.mode))),
    ...(profileName === undefined ? [] : [derExplicit(7, derText(0x0c, profileName))]),
  );
}

/** Ecdsa-Sig-Value from r‖s. Source: RFC 3279 section 2.2.3. */
export function ecdsaSignature(raw: Uint8Array): Uint8Array {
  return derSequence(derInteger(raw.subarray(0, 32)), derInteger(raw.subarray(32)));
}
