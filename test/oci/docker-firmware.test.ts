import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { ContentCache } from '../../src/oci/content-cache.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import type { FirmwareSource } from '../../src/oci/firmware-source.ts';
import { encodeCanonicalJson } from '../../src/oci/json-document.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_TAR_GZIP,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_LAYER_TAR,
} from '../../src/oci/media-type.ts';
import { appImage } from './fixture.ts';
import { idleClock } from './idle-clock.ts';
import { type TarMember, writeTar } from './tar-writer.ts';

const HOST = 'registry.local';
const NAME = 'nubificus/esp32';
const IMAGE = appImage(9, 7000);
const USUAL: readonly TarMember[] = [
  { path: 'firmware/', type: '5' },
  { path: 'firmware/ota.bin', content: IMAGE },
];

interface Layout {
  readonly architecture?: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly layers?: readonly (readonly TarMember[])[];
  readonly plainTar?: boolean;
  readonly configArchitecture?: string;
}

let store: RegistryStore;
let source: FirmwareSource;
beforeEach(() => {
  store = new RegistryStore();
  const registry = new InProcessRegistry(store, { hosts: [HOST], clock: idleClock });
  source = { registry, cache: new ContentCache(1 << 20), imageBytesMax: 10_000 };
});

/** Pushes a manifest list as docker's own tools write it and returns its reference. */
function pushList(layout: Layout = {}): string {
  const { architecture = 'esp32s3', labels = { 'com.urunc.iot.path': '/firmware/ota.bin' } } = layout;
  const config = encodeCanonicalJson({
    architecture: layout.configArchitecture ?? architecture,
    os: 'custom',
    config: { Labels: labels },
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const put = (bytes: Uint8Array, mediaType: string) => ({
    mediaType,
    digest: store.putBlob(NAME, bytes),
    size: bytes.length,
  });
  const layers = (layout.layers ?? [USUAL]).map((members) => {
    const tar = writeTar(members);
    return layout.plainTar === true
      ? put(tar, OCI_LAYER_TAR)
      : put(Uint8Array.from(gzipSync(tar)), DOCKER_LAYER_TAR_GZIP);
  });
  const manifest = encodeManifest({
    kind: 'manifest',
    mediaType: DOCKER_MANIFEST,
    config: put(config, DOCKER_CONFIG),
    layers,
  });
  const digest = digestOf(manifest);
  store.putManifest(NAME, digest, { mediaType: DOCKER_MANIFEST, bytes: manifest });
  const platform = { architecture, os: 'custom' };
  const list = encodeManifest({
    kind: 'index',
    mediaType: DOCKER_LIST,
    manifests: [{ mediaType: DOCKER_MANIFEST, digest, size: manifest.length, platform }],
  });
  store.putManifest(NAME, '2.0.0', { mediaType: DOCKER_LIST, bytes: list });
  return `${HOST}/${NAME}:2.0.0`;
}

const fetch = async (layout: Layout, chip = 'esp32s3') =>
  fetchForChip(source, await resolveFirmware(source, pushList(layout)), chip);

describe('images are read as they are published', () => {
  test.each<[string, Layout]>([
    ['gzipped, with the label', {}],
    ['without the label', { labels: {} }],
    ['with labels that Go wrote as null', { labels: null }],
    ['uncompressed, as skopeo may leave it', { plainTar: true }],
    [
      'under another name, without the label',
      { labels: {}, layers: [[{ path: 'firmware/app.bin', content: IMAGE }]] },
    ],
    [
      'with other files beside it',
      { layers: [[...USUAL, { path: 'firmware/sdkconfig', content: appImage(0) }]] },
    ],
    ['in a later layer than its folder', { layers: [[{ path: 'firmware/', type: '5' }], USUAL] }],
    [
      'covered by a later layer',
      { layers: [[{ path: 'firmware/ota.bin', content: appImage(9, 100) }], USUAL] },
    ],
  ])('%s', async (_, layout) => {
    const firmware = await fetch(layout);
    expect(firmware.image).toEqual(IMAGE);
    expect(firmware).toMatchObject({ architecture: 'esp32s3', imageDigest: digestOf(IMAGE) });
    expect(firmware.meta).toBeUndefined();
  });

  test('an entry for a chip with PSRAM goes to boards that say they have it, and to no others', async () => {
    const firmware = await fetch({ architecture: 'esp32s3r8' }, 'esp32s3r8');
    expect(firmware.architecture).toBe('esp32s3r8');
    await expect(fetch({ architecture: 'esp32s3r8' }, 'esp32s3')).rejects.toMatchObject({
      code: 'no-image-for-chip',
      message: expect.stringContaining('esp32s3r8'),
    });
  });

  test('devices of a node share one unpacked image', async () => {
    const resolved = await resolveFirmware(source, pushList());
    const [one, two] = await Promise.all([
      fetchForChip(source, resolved, 'esp32s3'),
      fetchForChip(source, resolved, 'esp32s3'),
    ]);
    expect(one.image).toBe(two.image);
  });
});

describe('images that are not what they seem are refused', () => {
  const huge = { path: 'firmware/ota.bin', content: appImage(9, 3_000_000) };
  test.each<[string, Layout, object]>([
    [
      'a path that climbs',
      { layers: [[...USUAL, { path: '../../etc/cron.d/x' }]] },
      { code: 'unsafe-path', hop: 'layer' },
    ],
    [
      'a label that climbs',
      { labels: { 'com.urunc.iot.path': '/firmware/../../x' } },
      { code: 'unsafe-path', hop: 'config' },
    ],
    [
      'a link in place of the image',
      { layers: [[{ path: 'firmware/ota.bin', type: '2' }]] },
      { code: 'malformed', hop: 'layer' },
    ],
    [
      'two candidates and no label',
      { labels: {}, layers: [[...USUAL, { path: 'firmware/b.bin' }]] },
      { code: 'malformed', hop: 'layer' },
    ],
    ['no firmware at all', { layers: [[{ path: 'bin/sh' }]] }, { code: 'no-app-image', hop: 'layer' }],
    [
      'a layer that unpacks to far more than it weighs',
      { layers: [[huge]] },
      { code: 'too-large', hop: 'layer' },
    ],
    [
      'an image larger than allowed',
      { layers: [[{ ...huge, content: appImage(9, 10_001) }]] },
      { code: 'too-large', hop: 'layer' },
    ],
    [
      'the image of another chip',
      { layers: [[{ path: 'firmware/ota.bin', content: appImage(0) }]] },
      { code: 'wrong-chip', hop: 'image' },
    ],
    [
      'a file that is no app image',
      { layers: [[{ path: 'firmware/ota.bin', content: new Uint8Array(99) }]] },
      { code: 'not-an-app-image', hop: 'image' },
    ],
    ['a config for another chip', { configArchitecture: 'esp32' }, { code: 'wrong-chip', hop: 'config' }],
  ])('%s', async (_, layout, expected) => {
    await expect(fetch(layout)).rejects.toMatchObject({
      name: 'FirmwareError',
      retryable: false,
      ...expected,
    });
  });
});
