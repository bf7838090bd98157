import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { Intercept, RegistryRequest } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { type DeltaBase, deltaBaseOf } from '../../src/delta/delta-file.ts';
import { DeltaReader } from '../../src/delta/delta-reader.ts';
import { DELTA_TYPE } from '../../src/oci/delta-layer.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { type FetchedDelta, fetchDelta } from '../../src/oci/fetch-delta.ts';
import { fetchForChip, type ResolvedFirmware, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { packFirmware, pushFirmware } from '../../src/oci/pack.ts';
import { packDelta } from '../../src/oci/pack-delta.ts';
import { pushDelta } from '../../src/oci/push-delta.ts';
import { run } from '../delta/apply.ts';
import { consecutiveBuilds } from '../delta/consecutive-builds.ts';
import { appImage } from './fixture.ts';
import { idleClock } from './idle-clock.ts';

const HOST = 'registry.local';
const REFERENCE = { host: HOST, name: 'fleet/thermo', tag: '1.4.1' };
const { from, to } = consecutiveBuilds(48 * 1024);

let store: RegistryStore;
let requests: RegistryRequest[];
let resolved: ResolvedFirmware;

function sourceWith(intercept: Intercept = () => undefined) {
  const registry = new InProcessRegistry(store, {
    hosts: [HOST],
    clock: idleClock,
    intercept: (request) => {
      requests.push(request);
      return intercept(request);
    },
  });
  return { registry };
}

function baseOf(image: Uint8Array): DeltaBase {
  const base = deltaBaseOf(image);
  if (base === undefined) throw new Error('not an app image');
  return base;
}
const running: Digest = `sha256:${baseOf(from).measurement}`;

beforeEach(async () => {
  store = new RegistryStore();
  requests = [];
  const meta = { secureVersion: 0, elfSha256: 'a'.repeat(64), measurement: baseOf(to).measurement };
  const packed = packFirmware({
    application: 'thermo',
    version: '1.4.1',
    rollback: 'esp-idf',
    bootsWithoutConfirm: 1,
    chips: [{ chip: 'esp32c3', image: to, ...meta }],
  });
  if (!packed.ok) throw new Error(packed.refusal.message);
  const { registry } = sourceWith();
  await pushFirmware(registry, REFERENCE, packed.value);
  resolved = await resolveFirmware({ registry }, `${HOST}/fleet/thermo:1.4.1`);
  requests = [];
});

async function attach(base = from): Promise<Digest> {
  const source = sourceWith();
  const firmware = await fetchForChip(source, resolved, 'esp32c3');
  const packed = packDelta(base, firmware.image);
  if (!packed.ok) throw new Error(packed.refusal.message);
  return pushDelta(source.registry, REFERENCE, firmware, packed.value);
}

function applyOnBoard(slot: Uint8Array, found: FetchedDelta) {
  const expected = {
    baseValidationHash: baseOf(slot).validationHash,
    targetSha256: new Uint8Array(Buffer.from(found.imageDigest.slice('sha256:'.length), 'hex')),
    targetBytes: found.imageBytes,
  };
  return run((ports) => new DeltaReader(ports, expected), slot, found.delta);
}

test('a delta attached to published firmware is found by what boards run, and makes the image there', async () => {
  await attach();
  requests = [];
  const found = await fetchDelta(sourceWith(), resolved, 'ESP32-C3', running);
  if (found === undefined) throw new Error('no delta found');
  expect(applyOnBoard(from, found)).toEqual({ refusal: undefined, result: to });
  expect(found.imageDigest).toBe(digestOf(to));
  expect(found.delta.length).toBeLessThan(to.length / 4);
  // The manifest, the listing, the delta's manifest, the delta: not a byte of the image.
  expect(requests.map(({ operation }) => operation)).toEqual(['manifest', 'referrers', 'manifest', 'blob']);
});

test('attaching changes nothing about the firmware, and attaching twice is attaching once', async () => {
  const first = await attach();
  expect(await attach()).toBe(first);
  const again = await resolveFirmware(sourceWith(), `${HOST}/fleet/thermo:1.4.1`);
  expect(again.digest).toBe(resolved.digest);
  const [entry] = resolved.index.manifests;
  expect(store.referrers(REFERENCE.name, entry?.digest ?? resolved.digest, DELTA_TYPE)).toHaveLength(1);
});

test('boards that run something else get no delta', async () => {
  await attach();
  expect(await fetchDelta(sourceWith(), resolved, 'esp32c3', digestOf(from.subarray(1)))).toBeUndefined();
  expect(
    await fetchDelta(sourceWith(), resolved, 'esp32c3', `sha256:${baseOf(to).measurement}`),
  ).toBeUndefined();
});

test('of several deltas each board gets its own, and a broken one hides none', async () => {
  const other = from.slice();
  other[5000] = (other[5000] ?? 0) ^ 1;
  const layer = store.putBlob(REFERENCE.name, new TextEncoder().encode('{}'));
  const [entry] = resolved.index.manifests;
  if (entry === undefined) throw new Error('the index is empty');
  const broken = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: DELTA_TYPE,
    config: { mediaType: OCI_EMPTY, digest: layer, size: 2 },
    layers: [],
    subject: { mediaType: entry.mediaType, digest: entry.digest, size: entry.size },
  });
  store.putManifest(REFERENCE.name, digestOf(broken), { mediaType: OCI_MANIFEST, bytes: broken });
  await attach();
  await attach(other);
  for (const base of [from, other]) {
    const found = await fetchDelta(sourceWith(), resolved, 'esp32c3', `sha256:${baseOf(base).measurement}`);
    if (found === undefined) throw new Error('no delta found');
    expect(applyOnBoard(base, found)).toEqual({ refusal: undefined, result: to });
  }
});

test('a registry that fails says so at its hop; whether to send the full image is for the caller', async () => {
  await attach();
  const failing: Intercept = ({ operation }) =>
    operation === 'blob' ? { kind: 'flipped-byte', offsetBytes: 100 } : undefined;
  await expect(fetchDelta(sourceWith(failing), resolved, 'esp32c3', running)).rejects.toMatchObject({
    hop: 'layer',
    code: 'digest-mismatch',
  });
});

test('a swapped delta is stopped by the board, whoever attached it', async () => {
  await attach();
  const found = await fetchDelta(sourceWith(), resolved, 'esp32c3', running);
  const evil = packDelta(from, appImage(5, to.length));
  if (found === undefined || !evil.ok) throw new Error('nothing to swap');
  expect(applyOnBoard(from, { ...found, delta: evil.value.bytes }).refusal?.code).toBe('wrong-result');
});

test('a base for another chip, or none at all, and a delta that saves nothing are refused', () => {
  expect(packDelta(new Uint8Array(100), to)).toMatchObject({ refusal: { place: 'base' } });
  const foreign = from.slice();
  foreign[12] = 9;
  expect(packDelta(foreign, to)).toMatchObject({
    refusal: { place: 'base', message: expect.stringContaining('esp32s3') },
  });
  const random = createHash('sha512').update(to).digest();
  const noise = to.map((byte, at) => (at < 24 ? byte : byte ^ (random[at % 64] ?? 0) ^ ((at * at) >> 5)));
  expect(packDelta(from, noise).ok).toBe(false);
});
