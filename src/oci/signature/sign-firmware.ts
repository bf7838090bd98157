import { type Digest, digestOf } from '../digest.ts';
import { encodeManifest } from '../manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../media-type.ts';
import type { Reference } from '../reference.ts';
import type { Registry } from '../registry.ts';
import { BUNDLE_TYPE, encodeBundle, SIGN_PREDICATE } from './bundle.ts';
import { EXPIRES_ANNOTATION } from './signed-claim.ts';
import type { SigningKey } from './signing-key.ts';

export interface SignOptions {
  /** Signed along; `cosign verify -a` asks for them. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** In ms since 1970; absent: the signature does not expire. */
  readonly expiresAtMs?: number;
}

export interface SignedFirmware {
  /** What was signed. */
  readonly digest: Digest;
  /** Of the signature's manifest, a referrer of `digest`. */
  readonly signature: Digest;
}

const EMPTY_CONFIG = new TextEncoder().encode('{}');

/**
 * Signs what `reference` means now and pushes the signature as a referrer, in the form that cosign 3 writes
 * and `cosign verify --key` takes. With an Ed25519 key the same firmware gets the same signature digest.
 *
 * Give a digest: a tag may have moved since it was looked at. Rejects with RegistryError; throws
 * RangeError for a digest other than sha256.
 */
export async function signFirmware(
  registry: Registry,
  reference: Reference,
  key: SigningKey,
  options: SignOptions = {},
): Promise<SignedFirmware> {
  const { mediaType, digest, size } = await registry.resolve(reference);
  const expires =
    options.expiresAtMs === undefined
      ? {}
      : { [EXPIRES_ANNOTATION]: new Date(options.expiresAtMs).toISOString() };
  const bundle = encodeBundle(digest, { ...options.annotations, ...expires }, key);
  const { host, name } = reference;
  const config = await registry.putBlob({ host, name }, EMPTY_CONFIG);
  const layer = await registry.putBlob({ host, name }, bundle);
  const bytes = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: { mediaType: OCI_EMPTY, digest: config, size: EMPTY_CONFIG.length },
    layers: [{ mediaType: BUNDLE_TYPE, digest: layer, size: bundle.length }],
    subject: { mediaType, digest, size },
    // What cosign writes, but for the time: it would give every signature another digest.
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': SIGN_PREDICATE,
    },
  });
  const signature = digestOf(bytes);
  await registry.putManifest({ host, name, digest: signature }, { mediaType: OCI_MANIFEST, bytes });
  return { digest, signature };
}
