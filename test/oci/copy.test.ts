import { beforeEach, expect, test } from 'vitest';
import type { RegistryRequest } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { forEachConcurrently } from '../../src/oci/concurrency.ts';
import { type CopyProgress, copyArtifact } from '../../src/oci/copy.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { encodeManifest, type ImageManifest } from '../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from './fixture.ts';
import { idleClock } from './idle-clock.ts';

const HERE = { host: 'here.local', name: 'fleet/thermo', tag: '1.0.0' };
const THERE = { host: 'there.local', name: 'fleet/copy', tag: 'x' };
let requests: RegistryRequest[];
let here: InProcessRegistry;
let there: InProcessRegistry;
let target: RegistryStore;

beforeEach(async () => {
  requests = [];
  target = new RegistryStore();
  const intercept = (request: RegistryRequest) => void requests.push(request);
  here = new InProcessRegistry(new RegistryStore(), { hosts: [HERE.host], clock: idleClock, intercept });
  there = new InProcessRegistry(target, { hosts: [THERE.host], clock: idleClock, intercept });
  await pushFirmware(here, HERE, packThermo());
  requests = [];
});
const from = () => ({ registry: here, reference: HERE });
const to = () => ({ registry: there, reference: THERE });

/** A manifest that points at another, and its digest. */
async function attach(subject: ReturnType<typeof digestOf>, size: number, label: string) {
  const empty = new TextEncoder().encode('{}');
  const config = { mediaType: OCI_EMPTY, digest: await here.putBlob(HERE, empty), size: 2 };
  const document: ImageManifest = {
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.example.signature',
    config,
    layers: [config],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size },
    annotations: { label },
  };
  const bytes = encodeManifest(document);
  const digest = digestOf(bytes);
  await here.putManifest({ ...HERE, digest, tag: label }, { mediaType: OCI_MANIFEST, bytes });
  return { digest, size: bytes.length };
}

test('everything arrives under the same digests, and the tag last', async () => {
  const report = await copyArtifact(from(), to());
  expect(report).toMatchObject({
    digest: packThermo().digest,
    manifests: 4,
    blobs: { sent: 4, mounted: 0, present: 0 },
  });
  expect(target.manifest('fleet/copy', 'x').digest).toBe(packThermo().digest);
  expect(requests.at(-1)).toMatchObject({ operation: 'put-manifest', target: 'x' });
});

test('progress counts every blob once and ends at the whole', async () => {
  const seen: CopyProgress[] = [];
  const { sentBytes } = await copyArtifact(from(), to(), { onProgress: (one) => seen.push(one) });
  expect(seen).toHaveLength(4);
  expect(seen.at(-1)).toMatchObject({ doneBytes: sentBytes, totalBytes: sentBytes });
});

test('what points at the artifact comes along when asked, and what points at that', async () => {
  const { digest } = packThermo();
  const signature = await attach(digest, packThermo().index.bytes.length, 'one');
  const second = await attach(signature.digest, signature.size, 'two');
  expect((await copyArtifact(from(), to())).manifests).toBe(4);
  expect((await copyArtifact(from(), to(), { referrers: true })).manifests).toBe(6);
  expect(target.referrers('fleet/copy', digest).map((entry) => entry.digest)).toEqual([signature.digest]);
  expect(target.referrers('fleet/copy', signature.digest).map((entry) => entry.digest)).toEqual([
    second.digest,
  ]);
});

test('a copy that breaks off leaves no tag behind', async () => {
  const broken = new InProcessRegistry(target, {
    hosts: [THERE.host],
    clock: idleClock,
    intercept: ({ operation }) =>
      operation === 'put-manifest' ? { kind: 'error', code: 'unavailable' } : undefined,
  });
  await expect(copyArtifact(from(), { ...to(), registry: broken })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(target.tags('fleet/copy').tags).toEqual([]);
});

test('no more work is on its way than allowed, and a failure stops what has not begun', async () => {
  let [now, most, begun] = [0, 0, 0];
  const run = forEachConcurrently([1, 2, 3, 4, 5, 6, 7, 8], 3, async (item) => {
    begun++;
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    if (item === 4) throw new Error('four');
  });
  await expect(run).rejects.toThrow('four');
  expect(most).toBe(3);
  expect(begun).toBeLessThan(8);
  expect(now).toBe(0);
});
