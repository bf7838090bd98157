import type { Digest } from '../digest.ts';
import { atHop, FirmwareError } from '../firmware-error.ts';
import { type FirmwareSource, fetchBlob, fetchManifest } from '../firmware-source.ts';
import type { Descriptor, ImageManifest } from '../manifest.ts';
import { isManifestType } from '../media-type.ts';
import type { Repository } from '../reference.ts';
import type { Decoded } from '../refusal.ts';
import { RegistryError } from '../registry-error.ts';
import { BUNDLE_TYPE, parseBundle } from './bundle.ts';
import type { SignatureRefusal } from './judge-claim.ts';
import { CLAIM_BYTES_MAX, type SignedClaim } from './signed-claim.ts';
import { parseSimpleSigning, SIMPLE_SIGNING_ARTIFACT, SIMPLE_SIGNING_TYPE } from './simple-signing.ts';

/** Signatures of one image that are looked at; who can push more than these can also delete the good one. */
const SIGNATURES_MAX = 32;
const ARTIFACT_TYPES: ReadonlySet<string> = new Set([BUNDLE_TYPE, SIMPLE_SIGNING_ARTIFACT]);

/**
 * Everything that claims to be a signature of `digest`: referrers in the registry's order, then cosign's
 * tag. Fetched one by one, so that whoever is content with the first costs no more. Nothing is verified
 * but digests. Throws FirmwareError at hop `signature` when the registry cannot be asked.
 */
export async function* findSignatures(
  source: FirmwareSource,
  repository: Repository,
  digest: Digest,
): AsyncGenerator<SignedClaim | SignatureRefusal> {
  const listed = await atHop('signature', () => source.registry.referrers(repository, digest));
  const referrers = listed.filter(({ artifactType }) => ARTIFACT_TYPES.has(artifactType ?? ''));
  for (const referrer of referrers.slice(0, SIGNATURES_MAX))
    yield* readManifest(source, repository, referrer);
  const tagged = await resolveTag(source, repository, digest);
  if (tagged !== undefined) yield* readManifest(source, repository, tagged);
}

/** Source: cosign, specs/SIGNATURE_SPEC.md, "Tag-based Discovery". */
async function resolveTag(
  source: FirmwareSource,
  repository: Repository,
  digest: Digest,
): Promise<Descriptor | undefined> {
  try {
    const { host, name } = repository;
    return await source.registry.resolve({ host, name, tag: `${digest.replace(':', '-')}.sig` });
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    if (error.code === 'not-found') return undefined;
    throw new FirmwareError('signature', error.code, error.message, error);
  }
}

async function* readManifest(
  source: FirmwareSource,
  repository: Repository,
  descriptor: Descriptor,
): AsyncGenerator<SignedClaim | SignatureRefusal> {
  if (!isManifestType(descriptor.mediaType)) return;
  const manifest = await unlessBroken(() => fetchManifest(source, 'signature', repository, descriptor));
  if ('code' in manifest) {
    yield manifest;
    return;
  }
  for (const layer of (manifest as ImageManifest).layers.slice(0, SIGNATURES_MAX)) {
    if (layer.mediaType !== BUNDLE_TYPE && layer.mediaType !== SIMPLE_SIGNING_TYPE) continue;
    const blob = await unlessBroken(() => fetchBlob(source, 'signature', repository, layer, CLAIM_BYTES_MAX));
    if ('code' in blob) yield blob;
    else if (layer.mediaType === BUNDLE_TYPE) yield claimOf(parseBundle(blob));
    else yield claimOf(parseSimpleSigning(blob, layer.annotations ?? {}));
  }
}

function claimOf(decoded: Decoded<SignedClaim>): SignedClaim | SignatureRefusal {
  if (decoded.ok) return decoded.value;
  const { code, message } = decoded.refusal;
  const unsupported = code === 'unsupported-media-type';
  return { code: unsupported ? 'unsupported-signature' : 'malformed-signature', message };
}

/** A signature that is broken for good is one refusal among others; what may pass is thrown. */
async function unlessBroken<T extends object>(fetch: () => Promise<T>): Promise<T | SignatureRefusal> {
  try {
    return await fetch();
  } catch (error) {
    if (!(error instanceof FirmwareError) || error.retryable) throw error;
    return { code: 'malformed-signature', message: error.message };
  }
}
