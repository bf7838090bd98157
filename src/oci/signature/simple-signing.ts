import { decodeJson } from '../json-document.ts';
import { accept, type Decoded, quote } from '../refusal.ts';
import { CLAIM_BYTES_MAX, readBase64, readTexts, type SignedClaim } from './signed-claim.ts';

/**
 * cosign's form before bundles: the layer is the payload, its annotation the signature. It hangs on the
 * subject by a tag, `sha256-<hex>.sig`, or as a referrer. Source: cosign, specs/SIGNATURE_SPEC.md.
 */
export const SIMPLE_SIGNING_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const SIMPLE_SIGNING_ARTIFACT = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const CERTIFICATE_ANNOTATION = 'dev.sigstore.cosign/certificate';
const CLAIM_TYPE = 'cosign container image signature';

/** Reads a payload and the annotations of its layer. */
export function parseSimpleSigning(
  payload: Uint8Array,
  layerAnnotations: Readonly<Record<string, string>>,
): Decoded<SignedClaim> {
  const annotations = new TextEncoder().encode(JSON.stringify(layerAnnotations));
  const signature = decodeJson(annotations, CLAIM_BYTES_MAX, (root) => {
    if (root.at(CERTIFICATE_ANNOTATION).present)
      root.refuse(
        'unsupported-media-type',
        'is signed with a certificate: keyless signatures are not verified here',
      );
    return readBase64(root.at(SIGNATURE_ANNOTATION));
  });
  if (!signature.ok) return signature;
  const claim = decodeJson(payload, CLAIM_BYTES_MAX, (root) => {
    const critical = root.at('critical');
    const type = critical.at('type');
    if (type.string() !== CLAIM_TYPE)
      type.refuse('unsupported-media-type', `is ${quote(type.string())}, not ${quote(CLAIM_TYPE)}`);
    return {
      digest: critical.at('image').at('docker-manifest-digest').digest(),
      annotations: readTexts(root.at('optional')),
    };
  });
  if (!claim.ok) return claim;
  return accept({ form: 'simple-signing', message: payload, signature: signature.value, ...claim.value });
}
