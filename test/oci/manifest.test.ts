import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { encodeCanonicalJson, type JsonValue } from '../../src/oci/json-document.ts';
import { type Descriptor, encodeManifest, parseManifest } from '../../src/oci/manifest.ts';
import { DOCKER_LIST, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';

const DIGEST = digestOf(new Uint8Array(1));
const DESCRIPTOR = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 1 };
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const text = fc.string({ maxLength: 20 });
const strings = fc.dictionary(
  text.filter((key) => key !== '__proto__'),
  text,
  { maxKeys: 5, noNullPrototype: true },
);
const descriptor: fc.Arbitrary<Descriptor> = fc.record(
  {
    mediaType: text,
    digest: fc.uint8Array({ maxLength: 4 }).map((bytes) => digestOf(bytes)),
    size: fc.nat(),
    artifactType: text,
    annotations: strings,
    platform: fc.record(
      { architecture: text, os: text, variant: text },
      { requiredKeys: ['architecture', 'os'] },
    ),
    data: text,
  },
  { requiredKeys: ['mediaType', 'digest', 'size'] },
);

test('every index and manifest survives being written and read', () => {
  fc.assert(
    fc.property(fc.array(descriptor, { maxLength: 5 }), strings, (manifests, annotations) => {
      const index = { kind: 'index', mediaType: OCI_INDEX, manifests, annotations } as const;
      expect(parseManifest(encodeManifest(index), OCI_INDEX)).toEqual({ ok: true, value: index });
    }),
  );
  fc.assert(
    fc.property(descriptor, fc.array(descriptor, { maxLength: 5 }), descriptor, (config, layers, subject) => {
      const manifest = { kind: 'manifest', mediaType: OCI_MANIFEST, config, layers, subject } as const;
      expect(parseManifest(encodeManifest(manifest), OCI_MANIFEST)).toEqual({ ok: true, value: manifest });
    }),
  );
});

test('canonical JSON does not depend on the order members were set in, and is JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.array(text))), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).reverse());
      expect(encodeCanonicalJson(reversed)).toEqual(encodeCanonicalJson(object));
      const parsed = JSON.parse(new TextDecoder().decode(encodeCanonicalJson(object))) as JsonValue;
      expect(encodeCanonicalJson(parsed)).toEqual(encodeCanonicalJson(object));
    }),
  );
  expect(() => encodeCanonicalJson({ half: 0.5 })).toThrow(RangeError);
});

describe('a bad document is refused at its place', () => {
  const index = { schemaVersion: 2, manifests: [DESCRIPTOR] };
  test.each<[string, unknown, string, object]>([
    ['no schemaVersion', { manifests: [] }, OCI_INDEX, { place: 'schemaVersion' }],
    ['schema version 1', { ...index, schemaVersion: 1 }, OCI_INDEX, { place: 'schemaVersion' }],
    ['another type inside', { ...index, mediaType: DOCKER_LIST }, OCI_INDEX, { place: 'mediaType' }],
    ['an index with layers', { ...index, layers: [] }, OCI_INDEX, { place: 'layers' }],
    [
      'a manifest with manifests',
      { ...index, config: DESCRIPTOR, layers: [] },
      OCI_MANIFEST,
      { place: 'manifests' },
    ],
    ['no list', { schemaVersion: 2, manifests: {} }, OCI_INDEX, { place: 'manifests' }],
    ['a list in place of the root', [], OCI_INDEX, { code: 'malformed' }],
    [
      'a short digest',
      { ...index, manifests: [DESCRIPTOR, { ...DESCRIPTOR, digest: 'sha256:1' }] },
      OCI_INDEX,
      { place: 'manifests[1].digest' },
    ],
    [
      'a negative size',
      { ...index, manifests: [{ ...DESCRIPTOR, size: -1 }] },
      OCI_INDEX,
      { place: 'manifests[0].size' },
    ],
    [
      'a size of 2^60',
      { ...index, manifests: [{ ...DESCRIPTOR, size: 2 ** 60 }] },
      OCI_INDEX,
      { place: 'manifests[0].size' },
    ],
    [
      'an annotation that is a number',
      { ...index, annotations: { a: 1 } },
      OCI_INDEX,
      { place: 'annotations' },
    ],
    [
      'a platform without os',
      { ...index, manifests: [{ ...DESCRIPTOR, platform: { architecture: 'esp32' } }] },
      OCI_INDEX,
      { place: 'manifests[0].platform.os' },
    ],
    [
      'too many entries',
      { ...index, manifests: Array(2000).fill(DESCRIPTOR) },
      OCI_INDEX,
      { code: 'too-large', place: 'manifests' },
    ],
    [
      'schema 1',
      index,
      'application/vnd.docker.distribution.manifest.v1+json',
      { code: 'unsupported-media-type' },
    ],
  ])('%s', (_, document, mediaType, refusal) => {
    expect(parseManifest(encode(document), mediaType)).toMatchObject({ ok: false, refusal });
  });

  test('more than 4 MiB, bad UTF-8, deep nesting', () => {
    expect(parseManifest(new Uint8Array(5 << 20), OCI_INDEX)).toMatchObject({
      refusal: { code: 'too-large' },
    });
    expect(parseManifest(Uint8Array.of(0x22, 0xff, 0x22), OCI_INDEX)).toMatchObject({
      refusal: { code: 'malformed' },
    });
    const deep = new TextEncoder().encode(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`);
    expect(parseManifest(deep, OCI_INDEX)).toMatchObject({ refusal: { code: 'malformed' } });
  });
});

test('arbitrary JSON is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(OCI_INDEX, OCI_MANIFEST), (json, mediaType) => {
      expect(typeof parseManifest(new TextEncoder().encode(json), mediaType).ok).toBe('boolean');
    }),
  );
});

test('unknown members are ignored, as the specification asks', () => {
  const document = { schemaVersion: 2, manifests: [{ ...DESCRIPTOR, urls: ['x'], novelty: 1 }], novelty: {} };
  expect(parseManifest(encode(document), `${OCI_INDEX}; charset=utf-8`)).toEqual({
    ok: true,
    value: { kind: 'index', mediaType: OCI_INDEX, manifests: [DESCRIPTOR] },
  });
});
