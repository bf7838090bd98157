import { gunzipSync } from 'node:zlib';
import { decodeJson } from './json-document.ts';
import { DOCKER_LAYER_TAR_GZIP, OCI_LAYER_TAR, OCI_LAYER_TAR_GZIP } from './media-type.ts';
import { accept, type Decoded, quote, refuse } from './refusal.ts';
import { readTar, safePath, type TarEntry } from './tar.ts';

/**
 * Firmware as container images carry it: a manifest list whose entries have os `custom` and the chip as
 * architecture, one layer copied onto `scratch`, the app image in it under /firmware/.
 * Source: nubificus/oci-esp32, README.md; nubificus/esp32-build, Dockerfile.firmware.
 */
export const DOCKER_FIRMWARE_OS = 'custom';
const FIRMWARE_FOLDER = 'firmware/';
/** Names the app image's path. Source: nubificus/esp32-ota-update. Absent from some of their images. */
const PATH_LABEL = 'com.urunc.iot.path';

export const CONFIG_BYTES_MAX = 1024 * 1024;
/** What headers, folders and padding may add to the one file of a layer. */
const TAR_OVERHEAD_BYTES_MAX = 1024 * 1024;
const DOCKER_LAYER_TAR = 'application/vnd.docker.image.rootfs.diff.tar';

/** What an image's config tells about the firmware in it. */
export interface DockerFirmwareConfig {
  readonly architecture: string;
  readonly os: string;
  /** Where the app image lies, relative to the root; absent when the image does not say. */
  readonly path?: string;
}

/** Reads the config blob. Source: OCI image-spec, config.md; Docker's config has the same members. */
export function parseDockerConfig(bytes: Uint8Array): Decoded<DockerFirmwareConfig> {
  return decodeJson(bytes, CONFIG_BYTES_MAX, (root) => {
    const config = root.at('config');
    const labels = config.present && !config.isNull ? config.at('Labels') : undefined;
    const label = labels?.present === true && !labels.isNull ? labels.strings()[PATH_LABEL] : undefined;
    const path = label === undefined ? undefined : safePath(label.replace(/^\//, ''));
    if (label !== undefined && (path === undefined || path === ''))
      config
        .at('Labels')
        .refuse('unsafe-path', `${PATH_LABEL} is ${quote(label)}, which is not a path in the image`);
    return {
      architecture: root.at('architecture').string(),
      os: root.at('os').string(),
      ...(path === undefined ? {} : { path }),
    };
  });
}

/**
 * Takes the app image out of one layer; undefined when the layer does not hold it.
 *
 * With a path, exactly that file; without, the only file under /firmware/, and a refusal that names
 * them when there are several: guessing would flash whatever came first. At most `imageBytesMax` plus
 * some overhead is ever unpacked.
 */
export function extractFirmware(
  layer: Uint8Array,
  mediaType: string,
  path: string | undefined,
  imageBytesMax: number,
): Decoded<Uint8Array | undefined> {
  const archive = unpackLayer(layer, mediaType, imageBytesMax + TAR_OVERHEAD_BYTES_MAX);
  if (!archive.ok) return archive;
  const entries = readTar(archive.value);
  if (!entries.ok) return entries;
  const candidates = entries.value.filter((entry) =>
    path === undefined ? isFirmwareFile(entry) : entry.path === path,
  );
  if (candidates.length > 1 && path === undefined) {
    const names = candidates.slice(0, 5).map((entry) => quote(entry.path));
    return refuse(
      'malformed',
      'layer',
      `holds ${candidates.length} files under /${FIRMWARE_FOLDER} (${names.join(', ')}); say which with the label ${PATH_LABEL}`,
    );
  }
  // A path that occurs twice in one archive means its last occurrence, as tar extracts it.
  const found = candidates.at(-1);
  if (found === undefined) return accept(undefined);
  if (found.type !== 'file')
    return refuse('malformed', 'layer', `${quote(found.path)} is a ${found.type}, not a file`);
  if (found.content.length > imageBytesMax)
    return refuse(
      'too-large',
      'layer',
      `${quote(found.path)} has ${found.content.length} bytes; at most ${imageBytesMax}`,
    );
  return accept(found.content);
}

function isFirmwareFile(entry: TarEntry): boolean {
  return entry.path.startsWith(FIRMWARE_FOLDER) && entry.type !== 'directory';
}

function unpackLayer(layer: Uint8Array, mediaType: string, bytesMax: number): Decoded<Uint8Array> {
  switch (mediaType) {
    case OCI_LAYER_TAR:
    case DOCKER_LAYER_TAR:
      return accept(layer);
    case OCI_LAYER_TAR_GZIP:
    case DOCKER_LAYER_TAR_GZIP:
      return gunzip(layer, bytesMax);
    default:
      return refuse('unsupported-media-type', '', `cannot unpack a layer of type ${quote(mediaType)}`);
  }
}

function gunzip(layer: Uint8Array, bytesMax: number): Decoded<Uint8Array> {
  try {
    const { buffer, byteOffset, length } = gunzipSync(layer, { maxOutputLength: bytesMax });
    return accept(new Uint8Array(buffer, byteOffset, length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      return refuse('too-large', '', `unpacks to more than ${bytesMax} bytes`);
    return refuse('malformed', '', 'is not a gzip stream');
  }
}
