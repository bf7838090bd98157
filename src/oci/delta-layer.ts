import type { Digest } from './digest.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';

/**
 * A delta in a firmware artifact: a layer of this type, its content a delta file (src/delta/delta-file.ts).
 *
 * It stands among the layers of a chip's manifest, or in a manifest of its own that has this `artifactType`
 * and the chip's manifest as `subject`: then it was made after the artifact, which keeps its digest and its
 * signatures. Neither has to be trusted: the result is checked against the image that the artifact names.
 */
export const DELTA_TYPE = 'application/vnd.brickproof.firmware.delta.v1';
/** What the base measures to in a device's evidence, as a digest: `sha256:` and 64 hex digits. */
export const DELTA_FROM = 'dev.brickproof.firmware.delta-from';
/** Digest of the app image layer that the delta makes. */
export const DELTA_TO = 'dev.brickproof.firmware.delta-to';

export function deltaAnnotations(from: Digest, to: Digest): Readonly<Record<string, string>> {
  return { [DELTA_FROM]: from, [DELTA_TO]: to };
}

/** The first layer that makes `to` of a board that runs `from`. */
export function findDeltaLayer(manifest: ImageManifest, from: Digest, to: Digest): Descriptor | undefined {
  return manifest.layers.find(
    ({ mediaType, annotations }) =>
      mediaType === DELTA_TYPE && annotations?.[DELTA_FROM] === from && annotations[DELTA_TO] === to,
  );
}
