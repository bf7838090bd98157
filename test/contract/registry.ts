import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { formatReference, type Repository } from '../../src/oci/reference.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { packThermo } from '../oci/fixture.ts';

export interface RegistryUnderTest {
  readonly registry: Registry;
  /** A host of it that has no repositories yet. */
  readonly host: string;
  close(): Promise<void>;
}

/** What every Registry adapter owes its callers; run over each of them. */
export function registryContract(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`the Registry contract, ${name}`, () => {
    let under: RegistryUnderTest;
    let registry: Registry;
    let opened = 0;
    const freshRepository = (): Repository => ({ host: under.host, name: `contract/r${++opened}` });
    const content = (length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, index) => (index * 31 + opened) & 0xff);

    beforeAll(async () => {
      under = await open();
      registry = under.registry;
    });
    afterAll(() => under.close());

    test('a blob comes back whole and in parts, byte for byte', async () => {
      const repository = freshRepository();
      const bytes = content(100_000);
      const digest = await registry.putBlob(repository, bytes);
      expect(digest).toBe(digestOf(bytes));
      const key = { digest, size: bytes.length };
      expect(Buffer.compare(await registry.blob(repository, key), bytes)).toBe(0);
      for (const [offsetBytes, lengthBytes] of [
        [0, 1],
        [0, 100_000],
        [4096, 4096],
        [99_999, 1],
        [5, 0],
      ] as const) {
        const part = await registry.blob(repository, key, { offsetBytes, lengthBytes });
        expect(Buffer.compare(part, bytes.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(0);
      }
    });

    test('a range that leaves the blob is malformed', async () => {
      const repository = freshRepository();
      const digest = await registry.putBlob(repository, content(100));
      await expect(
        registry.blob(repository, { digest, size: 100 }, { offsetBytes: 90, lengthBytes: 11 }),
      ).rejects.toMatchObject({ name: 'RegistryError', code: 'malformed', retryable: false });
    });

    test('an empty blob is a blob', async () => {
      const repository = freshRepository();
      const digest = await registry.putBlob(repository, new Uint8Array(0));
      expect(await registry.blob(repository, { digest, size: 0 })).toHaveLength(0);
    });

    test('a blob of another size than stated is refused', async () => {
      const repository = freshRepository();
      const digest = await registry.putBlob(repository, content(100));
      await expect(registry.blob(repository, { digest, size: 99 })).rejects.toMatchObject({
        code: 'too-large',
      });
      await expect(registry.blob(repository, { digest, size: 101 })).rejects.toMatchObject({
        code: 'size-mismatch',
      });
    });

    test('putting a blob twice is putting it once', async () => {
      const repository = freshRepository();
      const bytes = content(500);
      expect(await registry.putBlob(repository, bytes)).toBe(await registry.putBlob(repository, bytes));
    });

    test('a blob is there once it was put, and in the repository that it was put into', async () => {
      const [repository, other] = [freshRepository(), freshRepository()];
      const digest = digestOf(content(64));
      expect(await registry.hasBlob(repository, digest)).toBe(false);
      await registry.putBlob(repository, content(64));
      expect(await registry.hasBlob(repository, digest)).toBe(true);
      expect(await registry.hasBlob(other, digest)).toBe(false);
    });

    test('a mounted blob is there without having been sent; a mount that fails changes nothing', async () => {
      const [source, target] = [freshRepository(), freshRepository()];
      const bytes = content(300);
      const digest = await registry.putBlob(source, bytes);
      const mounted = await registry.mountBlob(target, source.name, digest);
      expect(await registry.hasBlob(target, digest)).toBe(mounted);
      const absent = digestOf(content(301));
      expect(await registry.mountBlob(target, source.name, absent)).toBe(false);
      expect(await registry.hasBlob(target, absent)).toBe(false);
    });

    test('what is not there is not found, and is not worth a retry', async () => {
      const repository = freshRepository();
      const digest = digestOf(content(3));
      const calls = [
        () => registry.resolve({ ...repository, tag: 'none' }),
        () => registry.resolve({ ...repository, digest }),
        () => registry.manifest(repository, digest),
        () => registry.blob(repository, { digest, size: 3 }),
      ];
      for (const call of calls)
        await expect(call()).rejects.toMatchObject({
          name: 'RegistryError',
          code: 'not-found',
          retryable: false,
        });
      expect(await registry.tags(repository)).toEqual([]);
      expect(await registry.referrers(repository, digest)).toEqual([]);
    });

    test('a manifest keeps its bytes and its type, under its tag and under its digest', async () => {
      const repository = freshRepository();
      const bytes = await imageManifest(registry, repository, 'a');
      const digest = await registry.putManifest(
        { ...repository, tag: 'one' },
        { mediaType: OCI_MANIFEST, bytes },
      );
      expect(digest).toBe(digestOf(bytes));
      const expected = { mediaType: OCI_MANIFEST, digest, size: bytes.length };
      expect(await registry.resolve({ ...repository, tag: 'one' })).toEqual(expected);
      expect(await registry.resolve({ ...repository, digest })).toEqual(expected);
      const got = await registry.manifest(repository, digest);
      expect(got.mediaType).toBe(OCI_MANIFEST);
      expect(Buffer.compare(got.bytes, bytes)).toBe(0);
    });

    test('a tag moves; the digest it pointed at stays', async () => {
      const repository = freshRepository();
      const tag = { ...repository, tag: 'latest' };
      const first = await registry.putManifest(tag, {
        mediaType: OCI_MANIFEST,
        bytes: await imageManifest(registry, repository, 'first'),
      });
      const second = await registry.putManifest(tag, {
        mediaType: OCI_MANIFEST,
        bytes: await imageManifest(registry, repository, 'second'),
      });
      expect((await registry.resolve(tag)).digest).toBe(second);
      expect((await registry.resolve({ ...repository, digest: first })).digest).toBe(first);
    });

    test('tags come in lexical order, in pages when asked', async () => {
      const repository = freshRepository();
      const bytes = await imageManifest(registry, repository, 'tagged');
      for (const tag of ['v2', 'a', 'v10', 'Z', 'v1'])
        await registry.putManifest({ ...repository, tag }, { mediaType: OCI_MANIFEST, bytes });
      expect(await registry.tags(repository)).toEqual(['Z', 'a', 'v1', 'v10', 'v2']);
      expect(await registry.tags(repository, { limit: 2 })).toEqual(['Z', 'a']);
      expect(await registry.tags(repository, { last: 'a', limit: 2 })).toEqual(['v1', 'v10']);
      expect(await registry.tags(repository, { last: 'v10' })).toEqual(['v2']);
    });

    test('a manifest that names what was never pushed is refused', async () => {
      const repository = freshRepository();
      const bytes = encodeManifest({
        kind: 'index',
        mediaType: OCI_INDEX,
        manifests: [{ mediaType: OCI_MANIFEST, digest: digestOf(content(7)), size: 7 }],
      });
      await expect(
        registry.putManifest({ ...repository, tag: 'x' }, { mediaType: OCI_INDEX, bytes }),
      ).rejects.toMatchObject({ name: 'RegistryError', retryable: false });
      await expect(registry.resolve({ ...repository, tag: 'x' })).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    test('firmware pushed is firmware fetched', async () => {
      const reference = { ...freshRepository(), tag: '1.0.0' };
      const packed = packThermo();
      expect(await pushFirmware(registry, reference, packed)).toBe(packed.digest);
      const resolved = await resolveFirmware({ registry }, formatReference(reference));
      expect(resolved.digest).toBe(packed.digest);
      const firmware = await fetchForChip({ registry }, resolved, 'esp32c3');
      expect(firmware.meta?.chipId).toBe(5);
      expect(digestOf(firmware.image)).toBe(firmware.imageDigest);
    });
  });
}

/** The part of the contract that needs the registry behind the adapter to know subjects (distribution-spec 1.1). */
export function referrersContract(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`the Registry contract on referrers, ${name}`, () => {
    let under: RegistryUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    test('a manifest with a subject is found from it, and can be filtered by its type', async () => {
      const { registry, host } = under;
      const repository = { host, name: 'contract/referrers' };
      const subjectBytes = await imageManifest(registry, repository, 'subject');
      const digest = await registry.putManifest(
        { ...repository, tag: 'subject' },
        { mediaType: OCI_MANIFEST, bytes: subjectBytes },
      );
      const config = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY), size: EMPTY.length };
      await registry.putBlob(repository, EMPTY);
      const bytes = encodeManifest({
        kind: 'manifest',
        mediaType: OCI_MANIFEST,
        artifactType: 'application/vnd.example.signature',
        config,
        layers: [config],
        subject: { mediaType: OCI_MANIFEST, digest, size: subjectBytes.length },
        annotations: { 'dev.example.key': 'one' },
      });
      const referrer = { ...repository, digest: digestOf(bytes) };
      await registry.putManifest(referrer, { mediaType: OCI_MANIFEST, bytes });
      const expected = [
        {
          mediaType: OCI_MANIFEST,
          digest: referrer.digest,
          size: bytes.length,
          artifactType: 'application/vnd.example.signature',
          annotations: { 'dev.example.key': 'one' },
        },
      ];
      expect(await registry.referrers(repository, digest)).toEqual(expected);
      expect(await registry.referrers(repository, digest, 'application/vnd.example.signature')).toEqual(
        expected,
      );
      expect(await registry.referrers(repository, digest, 'application/vnd.example.other')).toEqual([]);
    });
  });
}

const EMPTY = new TextEncoder().encode('{}');

/** Pushes the blobs of a small artifact and returns its manifest. */
async function imageManifest(registry: Registry, repository: Repository, text: string): Promise<Uint8Array> {
  const layer = new TextEncoder().encode(text);
  return encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.example.text',
    config: { mediaType: OCI_EMPTY, digest: await registry.putBlob(repository, EMPTY), size: EMPTY.length },
    layers: [
      { mediaType: 'text/plain', digest: await registry.putBlob(repository, layer), size: layer.length },
    ],
  });
}
