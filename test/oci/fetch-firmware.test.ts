import { beforeEach, describe, expect, test } from 'vitest';
import type { Intercept, RegistryRequest } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { ContentCache } from '../../src/oci/content-cache.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { ANNOTATION } from '../../src/oci/firmware-artifact.ts';
import { APP_IMAGE_TYPE } from '../../src/oci/firmware-layers.ts';
import type { FirmwareSource } from '../../src/oci/firmware-source.ts';
import { encodeManifest, type ImageManifest, type Platform, parseManifest } from '../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { formatReference, pinReference } from '../../src/oci/reference.ts';
import { appImage, packThermo } from './fixture.ts';
import { idleClock } from './idle-clock.ts';

const HOST = 'registry.local';
const REFERENCE = { host: HOST, name: 'fleet/thermo', tag: '1.0.0' };
const TEXT = formatReference(REFERENCE);

let store: RegistryStore;
let requests: RegistryRequest[];

function sourceWith(intercept: Intercept = () => undefined): FirmwareSource {
  const registry = new InProcessRegistry(store, {
    hosts: [HOST],
    clock: idleClock,
    intercept: (request) => {
      requests.push(request);
      return intercept(request);
    },
  });
  return { registry, cache: new ContentCache(1 << 20) };
}

beforeEach(async () => {
  store = new RegistryStore();
  requests = [];
  await pushFirmware(sourceWith().registry, REFERENCE, packThermo());
  requests = [];
});

test('a device costs its own manifest and its own layer, and nothing of the other chips', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  const firmware = await fetchForChip(source, resolved, 'esp32s3');
  expect(requests.map(({ operation }) => operation)).toEqual(['resolve', 'manifest', 'manifest', 'blob']);
  expect(firmware.image).toBe(store.blob('fleet/thermo', firmware.imageDigest));
  expect(firmware.meta).toMatchObject({
    application: 'thermo',
    version: '1.0.0',
    chip: 'esp32s3',
    chipId: 9,
  });
  expect(firmware.meta).toMatchObject({
    slotSizeBytes: 8192,
    rollback: 'boot-counter',
    bootsWithoutConfirm: 3,
  });
});

test('a thousand devices of a node fetch each manifest and layer once, and share one array', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  const chips = ['esp32', 'esp32s3', 'esp32c3'];
  const fetched = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => fetchForChip(source, resolved, chips[index % 3] ?? '')),
  );
  expect(requests).toHaveLength(2 + 3 + 3);
  expect(new Set(fetched.map(({ image }) => image)).size).toBe(3);
});

test('what is neither firmware nor a container image is named for what it is', async () => {
  const source = sourceWith();
  const config = new TextEncoder().encode('{}');
  const digest = await source.registry.putBlob(REFERENCE, config);
  const empty = { mediaType: OCI_EMPTY, digest, size: config.length };
  const chart = {
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.acme.chart',
    config: empty,
    layers: [empty],
  } as const;
  const bytes = encodeManifest(chart);
  await source.registry.putManifest({ ...REFERENCE, tag: 'chart' }, { mediaType: OCI_MANIFEST, bytes });
  await expect(resolveFirmware(source, TEXT.replace('1.0.0', 'chart'))).rejects.toMatchObject({
    hop: 'manifest',
    code: 'unsupported-media-type',
    message: expect.stringContaining('artifact type "application/vnd.acme.chart"'),
  });
});

test('a tag that moves after it was resolved changes nothing for the devices that follow', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  const moved = await pushFirmware(source.registry, REFERENCE, packThermo('2.0.0'));
  expect((await fetchForChip(source, resolved, 'esp32')).meta?.version).toBe('1.0.0');
  const pinned = await resolveFirmware(source, formatReference(pinReference(REFERENCE, resolved.digest)));
  expect(pinned.digest).toBe(resolved.digest);
  expect((await resolveFirmware(source, TEXT)).digest).toBe(moved);
});

test('the spellings of a chip that devices use find the same entry', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  for (const chip of ['ESP32-S3', 'esp32_s3', 'esp32s3', 'esp32s3r8'])
    expect((await fetchForChip(source, resolved, chip)).architecture).toBe('esp32s3');
});

test('a chip that the index does not have is refused, with the list of what it has', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  await expect(fetchForChip(source, resolved, 'esp32c6')).rejects.toMatchObject({
    code: 'no-image-for-chip',
    hop: 'index',
    retryable: false,
    message: expect.stringContaining('esp32, esp32c3, esp32s3'),
  });
});

test('an image under the wrong entry is stopped by its own header', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  const [first, ...rest] = resolved.index.manifests;
  if (first === undefined) throw new Error('the index is empty');
  const lying = { ...first, platform: { os: 'esp-idf', architecture: 'esp32c6' } };
  const bytes = encodeManifest({ ...resolved.index, manifests: [lying, ...rest] });
  store.putManifest('fleet/thermo', 'lying', { mediaType: OCI_INDEX, bytes });
  const swapped = await resolveFirmware(source, `${HOST}/fleet/thermo:lying`);
  await expect(fetchForChip(source, swapped, 'esp32c6')).rejects.toMatchObject({
    code: 'wrong-chip',
    hop: 'image',
  });
});

test('an image of another application than the index names is stopped, whoever signed the index', async () => {
  const source = sourceWith();
  const resolved = await resolveFirmware(source, TEXT);
  const annotations = { ...resolved.index.annotations, 'dev.brickproof.firmware.application': 'lamp' };
  const bytes = encodeManifest({ ...resolved.index, annotations });
  store.putManifest('fleet/thermo', 'lying', { mediaType: OCI_INDEX, bytes });
  const swapped = await resolveFirmware(source, `${HOST}/fleet/thermo:lying`);
  await expect(fetchForChip(source, swapped, 'esp32')).rejects.toMatchObject({
    hop: 'manifest',
    message: expect.stringContaining('lamp'),
  });
});

describe('each hop stops what only it can see', () => {
  const cases: readonly [string, Intercept, object][] = [
    [
      'a flipped byte in the layer',
      ({ operation }) => (operation === 'blob' ? { kind: 'flipped-byte', offsetBytes: 4000 } : undefined),
      { code: 'digest-mismatch', hop: 'layer', retryable: true },
    ],
    [
      'a layer cut short',
      ({ operation }) => (operation === 'blob' ? { kind: 'short-read', bytesMax: 100 } : undefined),
      { code: 'unavailable', hop: 'layer', retryable: true },
    ],
    [
      'a flipped byte in the index',
      ({ operation }) => (operation === 'manifest' ? { kind: 'flipped-byte', offsetBytes: 40 } : undefined),
      { code: 'digest-mismatch', hop: 'index', retryable: true },
    ],
    [
      'a digest that the registry does not have',
      ({ operation }) =>
        operation === 'resolve' ? { kind: 'wrong-digest', digest: digestOf(appImage(0)) } : undefined,
      { code: 'not-found', hop: 'index', retryable: false },
    ],
    [
      'a registry that asks to wait',
      ({ operation }) =>
        operation === 'blob' ? { kind: 'error', code: 'too-many-requests', retryAfterMs: 7000 } : undefined,
      { code: 'too-many-requests', hop: 'layer', retryable: true, retryAfterMs: 7000 },
    ],
  ];
  test.each(cases)('%s', async (_, intercept, expected) => {
    const source = sourceWith(intercept);
    const run = async () => fetchForChip(source, await resolveFirmware(source, TEXT), 'esp32');
    await expect(run()).rejects.toMatchObject(expected);
  });
});

test('a fetch that failed is tried again by the next device, not remembered', async () => {
  let faults = 1;
  const source = sourceWith(({ operation }) =>
    operation === 'blob' && faults-- > 0 ? { kind: 'flipped-byte', offsetBytes: 1 } : undefined,
  );
  const resolved = await resolveFirmware(source, TEXT);
  await expect(fetchForChip(source, resolved, 'esp32')).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect((await fetchForChip(source, resolved, 'esp32')).image).toEqual(appImage(0, 5000));
});

test('a reference that cannot be read and a host that is not there are named', async () => {
  const source = sourceWith();
  await expect(resolveFirmware(source, 'registry.local/UPPER:1')).rejects.toMatchObject({
    hop: 'reference',
    code: 'malformed',
  });
  await expect(resolveFirmware(source, 'elsewhere.local/fleet/thermo:1.0.0')).rejects.toMatchObject({
    hop: 'resolve',
    code: 'unavailable',
  });
  await expect(resolveFirmware(source, `${HOST}/fleet/thermo:9`)).rejects.toMatchObject({
    hop: 'resolve',
    code: 'not-found',
  });
});

/** Stores an index whose one entry names `manifest` as changed by `change`, and returns its reference. */
function storeSwapped(change: (manifest: ImageManifest) => ImageManifest, platform?: Platform): string {
  const packed = packThermo();
  const parsed = parseManifest(packed.manifests[0]?.bytes ?? new Uint8Array(0), OCI_MANIFEST);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  const bytes = encodeManifest(change(parsed.value as ImageManifest));
  const { digest } = store.putManifest('fleet/thermo', digestOf(bytes), { mediaType: OCI_MANIFEST, bytes });
  const entry = {
    mediaType: OCI_MANIFEST,
    digest,
    size: bytes.length,
    platform: platform ?? { os: 'esp-idf', architecture: 'esp32' },
  };
  const index = encodeManifest({ kind: 'index', mediaType: OCI_INDEX, manifests: [entry] });
  store.putManifest('fleet/thermo', 'swapped', { mediaType: OCI_INDEX, bytes: index });
  return `${HOST}/fleet/thermo:swapped`;
}

describe('a manifest that says what its image is not is stopped', () => {
  const annotated = (key: string, value: string) => (manifest: ImageManifest) => ({
    ...manifest,
    annotations: { ...manifest.annotations, [key]: value },
  });
  test.each<[string, (manifest: ImageManifest) => ImageManifest, object]>([
    [
      'another measurement',
      annotated(ANNOTATION.measurement, 'c'.repeat(64)),
      { hop: 'image', code: 'false-annotation' },
    ],
    [
      'another secure version',
      annotated(ANNOTATION.secureVersion, '9'),
      { hop: 'image', code: 'false-annotation' },
    ],
    ['another chip', annotated(ANNOTATION.chip, 'esp32c3'), { hop: 'manifest', code: 'malformed' }],
  ])('%s', async (_, change, expected) => {
    const source = sourceWith();
    const resolved = await resolveFirmware(source, storeSwapped(change));
    await expect(fetchForChip(source, resolved, 'esp32')).rejects.toMatchObject(expected);
  });

  test('other needs than its index entry', async () => {
    const source = sourceWith();
    const platform = { os: 'esp-idf', architecture: 'esp32', 'os.features': ['key-id=KEY1'] };
    const resolved = await resolveFirmware(
      source,
      storeSwapped((manifest) => manifest, platform),
    );
    await expect(fetchForChip(source, resolved, { chip: 'esp32', keyIds: ['KEY1'] })).rejects.toMatchObject({
      hop: 'manifest',
      code: 'false-annotation',
    });
  });

  test('an image that was broken before it was packed', async () => {
    const source = sourceWith();
    const broken = appImage(0, 5008);
    broken[3000] = (broken[3000] ?? 0) ^ 1;
    const digest = store.putBlob('fleet/thermo', broken);
    const reference = storeSwapped((manifest) => ({
      ...manifest,
      layers: [{ mediaType: APP_IMAGE_TYPE, digest, size: broken.length }],
    }));
    const resolved = await resolveFirmware(source, reference);
    await expect(fetchForChip(source, resolved, 'esp32')).rejects.toMatchObject({
      hop: 'image',
      code: 'damaged-image',
      message: expect.stringContaining('checksum'),
    });
  });
});

test('a reference to the manifest of one target is that target, and no other', async () => {
  const source = sourceWith();
  const { index } = await resolveFirmware(source, TEXT);
  const entry = index.manifests.find(({ platform }) => platform?.architecture === 'esp32c3');
  const single = await resolveFirmware(source, `${HOST}/fleet/thermo@${entry?.digest}`);
  expect(single.digest).toBe(entry?.digest);
  expect((await fetchForChip(source, single, 'esp32c3')).image).toEqual(appImage(5, 4096));
  await expect(fetchForChip(source, single, 'esp32')).rejects.toMatchObject({ code: 'no-image-for-chip' });
});
