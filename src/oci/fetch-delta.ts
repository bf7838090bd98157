import { DELTA_FROM, DELTA_TYPE, findDeltaLayer } from './delta-layer.ts';
import type { Digest } from './digest.ts';
import type { ResolvedFirmware } from './fetch-firmware.ts';
import { atHop, FirmwareError } from './firmware-error.ts';
import { APP_IMAGE_TYPE } from './firmware-layers.ts';
import { type FirmwareSource, fetchBlob, fetchManifest, imageBytesMax } from './firmware-source.ts';
import { type FirmwareTarget, selectEntry } from './firmware-target.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';
import { isManifestType } from './media-type.ts';
import type { Repository } from './reference.ts';

/** A delta as a board needs it, and what it must make of it. */
export interface FetchedDelta {
  /** A delta file. Shared: must not be changed. */
  readonly delta: Uint8Array;
  readonly deltaDigest: Digest;
  /** What the board must run, by measurement. */
  readonly from: Digest;
  /** SHA-256 and size of the whole image, signature sector included. */
  readonly imageDigest: Digest;
  readonly imageBytes: number;
}

/** Delta manifests of one chip that are looked at. */
const REFERRERS_MAX = 64;

/**
 * The delta for boards that run `from`, from the chip's own manifest or from what was attached
 * to it later; undefined when there is none, and the full image is to be sent.
 *
 * Costs the chip's manifest, one listing of referrers where the manifest has none, and the delta; the image
 * itself is not fetched. Throws FirmwareError; whoever catches it may well send the full image instead.
 */
export async function fetchDelta(
  source: FirmwareSource,
  resolved: ResolvedFirmware,
  board: string | FirmwareTarget,
  from: Digest,
): Promise<FetchedDelta | undefined> {
  const { repository } = resolved;
  const entry = selectEntry(resolved.index, typeof board === 'string' ? { chip: board } : board);
  if (!isManifestType(entry.mediaType)) return undefined;
  const manifest = (await fetchManifest(source, 'manifest', repository, entry)) as ImageManifest;
  const image = manifest.layers.find(({ mediaType }) => mediaType === APP_IMAGE_TYPE);
  if (image === undefined) return undefined;
  const layer =
    findDeltaLayer(manifest, from, image.digest) ??
    (await findAttached(source, resolved, entry.digest, from, image.digest));
  if (layer === undefined) return undefined;
  // A delta that is larger than what it makes is a mistake or a trap.
  const delta = await fetchBlob(
    source,
    'layer',
    repository,
    layer,
    Math.min(image.size, imageBytesMax(source)),
  );
  return { delta, deltaDigest: layer.digest, from, imageDigest: image.digest, imageBytes: image.size };
}

async function findAttached(
  source: FirmwareSource,
  { repository }: ResolvedFirmware,
  subject: Digest,
  from: Digest,
  to: Digest,
): Promise<Descriptor | undefined> {
  for await (const manifest of attachedDeltas(source, repository, subject, from)) {
    const layer = findDeltaLayer(manifest, from, to);
    if (layer !== undefined) return layer;
  }
  return undefined;
}

/**
 * What was attached to the chip's manifest `subject` as deltas, those from other bases than `from` left out where
 * the list tells, and those that are broken for good.
 */
export async function* attachedDeltas(
  source: FirmwareSource,
  repository: Repository,
  subject: Digest,
  from?: Digest,
): AsyncGenerator<ImageManifest> {
  const listed = await atHop('manifest', () => source.registry.referrers(repository, subject, DELTA_TYPE));
  // The list may leave out annotations, and a registry may not filter: the manifests themselves decide.
  const candidates = listed.filter(
    ({ artifactType, mediaType, annotations }) =>
      artifactType === DELTA_TYPE &&
      isManifestType(mediaType) &&
      (from === undefined || (annotations?.[DELTA_FROM] ?? from) === from),
  );
  for (const candidate of candidates.slice(0, REFERRERS_MAX)) {
    const manifest = await unlessBroken(() => fetchManifest(source, 'manifest', repository, candidate));
    if (manifest !== undefined) yield manifest as ImageManifest;
  }
}

/** One delta that is broken for good is passed over; what may pass is thrown. */
async function unlessBroken<T>(fetch: () => Promise<T>): Promise<T | undefined> {
  try {
    return await fetch();
  } catch (error) {
    if (error instanceof FirmwareError && !error.retryable) return undefined;
    throw error;
  }
}
