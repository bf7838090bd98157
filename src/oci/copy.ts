import { forEachConcurrently } from './concurrency.ts';
import type { Digest } from './digest.ts';
import { IMAGE_BYTES_MAX } from './firmware-source.ts';
import { type Descriptor, type ImageIndex, type ImageManifest, parseManifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-type.ts';
import { pullBlob, pullManifest } from './pull.ts';
import type { Reference } from './reference.ts';
import type { ManifestContent, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/** One end of a copy: a registry, an image layout in a folder, anything behind the port. */
export interface CopyEnd {
  readonly registry: Registry;
  readonly reference: Reference;
}

/** How a blob came to be at the other end. */
export type Passage = 'sent' | 'mounted' | 'present';

export interface CopyProgress {
  readonly digest: Digest;
  readonly passage: Passage;
  /** Of all blobs, this one included. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CopyOptions {
  /** Blobs on their way at once; default 4. */
  readonly parallel?: number;
  /** Take signatures, bills of materials and whatever else points at what is copied along. */
  readonly referrers?: boolean;
  /** The largest blob copied; default IMAGE_BYTES_MAX. */
  readonly blobBytesMax?: number;
  /** After each blob. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyReport {
  /** What the reference named at the source, and names at the target. */
  readonly digest: Digest;
  readonly manifests: number;
  readonly blobs: Readonly<Record<Passage, number>>;
  /** Bytes of blobs that went over the wire to the target. */
  readonly sentBytes: number;
}

const PARALLEL = 4;
/** A signature of a signature of a signature is believable; more is a circle or a joke. */
const REFERRER_DEPTH_MAX = 4;
const MANIFESTS_MAX = 4096;

interface Plan {
  /** What is named comes before what names it. */
  readonly manifests: Map<Digest, ManifestContent>;
  readonly blobs: Map<Digest, Descriptor>;
}

/**
 * Copies what a reference names, whole and unchanged: every digest stays what it was.
 *
 * Everything is verified on its way. A blob that the target has is not sent; one that another repository of
 * the same registry has is mounted. The tag is put last, so a copy that breaks off leaves no tag on half an
 * artifact. Rejects with RegistryError.
 */
export async function copyArtifact(
  from: CopyEnd,
  to: CopyEnd,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const root = await from.registry.resolve(from.reference);
  if (!isIndexType(root.mediaType) && !isManifestType(root.mediaType))
    throw new RegistryError('unsupported-media-type', `cannot copy a ${JSON.stringify(root.mediaType)}`);
  const plan: Plan = { manifests: new Map(), blobs: new Map() };
  await addManifest(from, root, plan, options.referrers === true ? REFERRER_DEPTH_MAX : 0);
  const blobs = await copyBlobs(from, to, [...plan.blobs.values()], options);
  const { host, name } = to.reference;
  for (const [digest, content] of plan.manifests)
    if (digest !== root.digest) await to.registry.putManifest({ host, name, digest }, content);
  const tagged = {
    ...(to.reference.tag === undefined ? { digest: root.digest } : { tag: to.reference.tag }),
  };
  const content = plan.manifests.get(root.digest);
  if (content === undefined) throw new RegistryError('malformed', `${root.digest} vanished from the plan`);
  await to.registry.putManifest({ host, name, ...tagged }, content);
  return { digest: root.digest, manifests: plan.manifests.size, ...blobs };
}

/** Adds a manifest after everything it names, and then what points at it. */
async function addManifest(from: CopyEnd, descriptor: Descriptor, plan: Plan, depth: number): Promise<void> {
  if (plan.manifests.has(descriptor.digest)) return;
  if (plan.manifests.size >= MANIFESTS_MAX)
    throw new RegistryError('too-large', `more than ${MANIFESTS_MAX} manifests hang on one reference`);
  const { registry, reference } = from;
  const bytes = await pullManifest(registry, reference, descriptor);
  const parsed = parseManifest(bytes, descriptor.mediaType);
  if (!parsed.ok) throw new RegistryError('malformed', `${descriptor.digest}: ${parsed.refusal.message}`);
  for (const child of childrenOf(parsed.value, plan)) await addManifest(from, child, plan, depth);
  plan.manifests.set(descriptor.digest, { mediaType: descriptor.mediaType, bytes });
  if (depth === 0) return;
  for (const referrer of await registry.referrers(reference, descriptor.digest))
    await addManifest(from, referrer, plan, depth - 1);
}

/** Manifests that `document` names; its blobs go into the plan. */
function childrenOf(document: ImageIndex | ImageManifest, plan: Plan): readonly Descriptor[] {
  if (document.kind === 'index') return document.manifests;
  for (const blob of [document.config, ...document.layers]) plan.blobs.set(blob.digest, blob);
  return [];
}

async function copyBlobs(
  from: CopyEnd,
  to: CopyEnd,
  blobs: readonly Descriptor[],
  options: CopyOptions,
): Promise<Pick<CopyReport, 'blobs' | 'sentBytes'>> {
  const counts = { sent: 0, mounted: 0, present: 0 };
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  let [doneBytes, sentBytes] = [0, 0];
  const isSameHost = from.registry === to.registry && from.reference.host === to.reference.host;
  const carry = async (blob: Descriptor): Promise<Passage> => {
    if (await to.registry.hasBlob(to.reference, blob.digest)) return 'present';
    if (isSameHost && (await to.registry.mountBlob(to.reference, from.reference.name, blob.digest)))
      return 'mounted';
    const bytesMax = options.blobBytesMax ?? IMAGE_BYTES_MAX;
    const bytes = await pullBlob(from.registry, from.reference, blob, bytesMax);
    const stored = await to.registry.putBlob(to.reference, bytes);
    if (stored !== blob.digest)
      throw new RegistryError(
        'unsupported',
        `${blob.digest} would be stored as ${stored}; only sha256 blobs are copied`,
      );
    sentBytes += blob.size;
    return 'sent';
  };
  await forEachConcurrently(blobs, options.parallel ?? PARALLEL, async (blob) => {
    const passage = await carry(blob);
    counts[passage]++;
    doneBytes += blob.size;
    options.onProgress?.({ digest: blob.digest, passage, doneBytes, totalBytes });
  });
  return { blobs: counts, sentBytes };
}
