import { gzipSync } from 'node:zlib';
import type { RegistryStore } from '../../sim/registry/store.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { encodeCanonicalJson } from '../../src/oci/json-document.ts';
import { type Descriptor, encodeManifest } from '../../src/oci/manifest.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_TAR_GZIP,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_LAYER_TAR,
} from '../../src/oci/media-type.ts';
import { type TarMember, writeTar } from './tar-writer.ts';

/** How the container image differs from the usual one: one gzipped layer, labelled, for an esp32s3. */
export interface DockerLayout {
  readonly image?: Uint8Array;
  readonly architecture?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly layers?: readonly (readonly TarMember[])[];
  readonly plainTar?: boolean;
  readonly configArchitecture?: string;
}

/** Puts a manifest list as docker's own tools write it. Layout after nubificus/oci-esp32 and esp32-build. */
export function pushDockerFirmware(
  store: RegistryStore,
  name: string,
  tag: string,
  layout: DockerLayout,
): void {
  const { architecture = 'esp32s3', labels = { 'com.urunc.iot.path': '/firmware/ota.bin' } } = layout;
  const archives = (layout.layers ?? [usualLayer(layout.image ?? new Uint8Array(0))]).map(writeTar);
  const put = (bytes: Uint8Array, mediaType: string): Descriptor => ({
    mediaType,
    digest: store.putBlob(name, bytes),
    size: bytes.length,
  });
  const config = encodeCanonicalJson({
    architecture: layout.configArchitecture ?? architecture,
    os: 'custom',
    config: { Labels: labels },
    rootfs: { type: 'layers', diff_ids: archives.map((archive) => digestOf(archive)) },
  });
  const manifest = encodeManifest({
    kind: 'manifest',
    mediaType: DOCKER_MANIFEST,
    config: put(config, DOCKER_CONFIG),
    layers: archives.map((archive) =>
      layout.plainTar === true
        ? put(archive, OCI_LAYER_TAR)
        : put(Uint8Array.from(gzipSync(archive)), DOCKER_LAYER_TAR_GZIP),
    ),
  });
  const digest = digestOf(manifest);
  store.putManifest(name, digest, { mediaType: DOCKER_MANIFEST, bytes: manifest });
  const platform = { architecture, os: 'custom' };
  const list = encodeManifest({
    kind: 'index',
    mediaType: DOCKER_LIST,
    manifests: [{ mediaType: DOCKER_MANIFEST, digest, size: manifest.length, platform }],
  });
  store.putManifest(name, tag, { mediaType: DOCKER_LIST, bytes: list });
}

export function usualLayer(image: Uint8Array): readonly TarMember[] {
  return [
    { path: 'firmware/', type: '5' },
    { path: 'firmware/ota.bin', content: image },
  ];
}
