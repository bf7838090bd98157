import type { Digest } from '../digest.ts';
import { decodeJson, encodeCanonicalJson, type JsonPlace } from '../json-document.ts';
import { accept, type Decoded, quote } from '../refusal.ts';
import { CLAIM_BYTES_MAX, readBase64, readTexts, type SignedClaim } from './signed-claim.ts';
import type { SigningKey } from './signing-key.ts';

/** Source: sigstore protobuf-specs, sigstore_bundle.proto; cosign 3 writes 0.3. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** Tells a signature from other statements about the same subject. Source: cosign, pkg/types/predicate.go. */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/** A bundle that says: the holder of `key` signed the manifest or index `digest`. Only sha256 digests. */
export function encodeBundle(
  digest: Digest,
  annotations: Readonly<Record<string, string>>,
  key: SigningKey,
): Uint8Array {
  const [algorithm = '', hex = ''] = digest.split(':');
  if (algorithm !== 'sha256') throw new RangeError(`cosign signs sha256 digests, not ${algorithm}`);
  const payload = encodeCanonicalJson({
    _type: STATEMENT_TYPE,
    predicate: {},
    predicateType: SIGN_PREDICATE,
    subject: [{ annotations, digest: { sha256: hex } }],
  });
  const signature = key.sign(preAuthentication(PAYLOAD_TYPE, payload));
  return encodeCanonicalJson({
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: key.hint } },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(signature) }],
    },
  });
}

/** Reads a bundle; refused is also what is no signature by a key: other statements, keyless signatures. */
export function parseBundle(bytes: Uint8Array): Decoded<SignedClaim> {
  const envelope = decodeJson(bytes, CLAIM_BYTES_MAX, readEnvelope);
  if (!envelope.ok) return envelope;
  const { payload, signature, keyHint } = envelope.value;
  const statement = decodeJson(payload, CLAIM_BYTES_MAX, readStatement);
  if (!statement.ok) return statement;
  const message = preAuthentication(PAYLOAD_TYPE, payload);
  return accept({ form: 'bundle', message, signature, keyHint, ...statement.value });
}

function readEnvelope(root: JsonPlace): { payload: Uint8Array; signature: Uint8Array; keyHint: string } {
  expectText(root.at('mediaType'), BUNDLE_TYPE);
  const material = root.at('verificationMaterial');
  if (!material.at('publicKey').present)
    material.refuse(
      'unsupported-media-type',
      'holds no public key: keyless signatures are not verified here',
    );
  const envelope = root.at('dsseEnvelope');
  if (!envelope.present)
    root.refuse(
      'unsupported-media-type',
      'signs a message and not a DSSE envelope; cosign signs images with one',
    );
  expectText(envelope.at('payloadType'), PAYLOAD_TYPE);
  const signatures: JsonPlace = envelope.at('signatures');
  const [first, second] = signatures.list();
  if (first === undefined || second !== undefined)
    signatures.refuse('malformed', 'must hold exactly one signature');
  return {
    payload: readBase64(envelope.at('payload')),
    signature: readBase64(first.at('sig')),
    keyHint: material.at('publicKey').at('hint').string(),
  };
}

function readStatement(root: JsonPlace): Pick<SignedClaim, 'digest' | 'annotations'> {
  expectText(root.at('_type'), STATEMENT_TYPE);
  expectText(root.at('predicateType'), SIGN_PREDICATE);
  const subjects: JsonPlace = root.at('subject');
  const [first, second] = subjects.list();
  if (first === undefined || second !== undefined)
    subjects.refuse('malformed', 'must name exactly one subject');
  const hex = first.at('digest').at('sha256');
  if (!/^[0-9a-f]{64}$/.test(hex.string())) hex.refuse('malformed', 'is not 64 lower-case hex digits');
  return { digest: `sha256:${hex.string()}`, annotations: readTexts(first.at('annotations')) };
}

function expectText(place: JsonPlace, expected: string): void {
  if (place.string() !== expected)
    place.refuse('unsupported-media-type', `is ${quote(place.string())}, not ${expected}`);
}

/** What a DSSE signature is over. Source: secure-systems-lab/dsse, protocol.md, "PAE". */
function preAuthentication(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return new Uint8Array(Buffer.concat([Buffer.from(head), payload]));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
