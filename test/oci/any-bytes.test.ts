import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { extractFirmware, parseDockerConfig } from '../../src/oci/docker-firmware.ts';
import { readFirmwareMeta } from '../../src/oci/firmware-artifact.ts';
import { parseFlasherArgs } from '../../src/oci/flasher-args.ts';
import { readImageFacts } from '../../src/oci/image-facts.ts';
import { parseManifest } from '../../src/oci/manifest.ts';
import { DOCKER_LAYER_TAR_GZIP, MANIFEST_TYPES, OCI_LAYER_TAR } from '../../src/oci/media-type.ts';
import { parseReference } from '../../src/oci/reference.ts';
import type { Decoded } from '../../src/oci/refusal.ts';
import { readTar } from '../../src/oci/tar.ts';
import { appImage, packThermo } from './fixture.ts';
import { writeTar } from './tar-writer.ts';

/** A decoder's whole contract on foreign input: a value, or a refusal with code, place and message. */
function expectDecoded(decoded: Decoded<unknown>): void {
  if (decoded.ok) return;
  const { code, place, message } = decoded.refusal;
  expect(['malformed', 'too-large', 'unsupported-media-type', 'unsafe-path']).toContain(code);
  expect(typeof place).toBe('string');
  expect(message.length).toBeGreaterThan(5);
  // Foreign text is quoted in pieces: a refusal of megabytes is itself a bomb, and controls move a terminal.
  expect(message.length).toBeLessThan(500);
  expect(message).not.toMatch(/\p{Cc}/u);
}

const DECODERS: readonly ((bytes: Uint8Array) => Decoded<unknown>)[] = [
  ...MANIFEST_TYPES.map((type) => (bytes: Uint8Array) => parseManifest(bytes, type)),
  parseDockerConfig,
  parseFlasherArgs,
  readTar,
  (bytes) => extractFirmware(bytes, OCI_LAYER_TAR, undefined, 10_000),
  (bytes) => extractFirmware(bytes, DOCKER_LAYER_TAR_GZIP, 'firmware/ota.bin', 10_000),
  readImageFacts,
];

test('any bytes leave every decoder in peace', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      for (const decode of DECODERS) expectDecoded(decode(bytes));
    }),
  );
});

test('so do good bytes of every kind with a few of them wrong', () => {
  const good = [
    packThermo().index.bytes,
    packThermo().manifests[0]?.bytes ?? new Uint8Array(0),
    writeTar([{ path: 'firmware/ota.bin', content: appImage(9, 2000) }]),
    appImage(9, 2000),
  ];
  const wrong = fc.array(fc.tuple(fc.nat(6000), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...good), wrong, (bytes, changes) => {
      const spoiled = Uint8Array.from(bytes);
      for (const [at, byte] of changes) spoiled[at % spoiled.length] = byte;
      for (const decode of DECODERS) expectDecoded(decode(spoiled));
    }),
  );
});

test('so does a manifest with any one member replaced by any JSON', () => {
  const document = JSON.parse(new TextDecoder().decode(packThermo().manifests[0]?.bytes));
  const places: (readonly (string | number)[])[] = [];
  const walk = (value: unknown, path: readonly (string | number)[]): void => {
    if (path.length > 0) places.push(path);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
  };
  walk(document, []);
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue(), (path, value) => {
      const changed = structuredClone(document);
      let holder = changed;
      for (const key of path.slice(0, -1)) holder = holder[key];
      holder[path.at(-1) ?? ''] = value;
      const bytes = new TextEncoder().encode(JSON.stringify(changed));
      const parsed = parseManifest(bytes, 'application/vnd.oci.image.manifest.v1+json');
      expectDecoded(parsed);
      if (parsed.ok) expectDecoded(readFirmwareMeta(parsed.value.annotations ?? {}));
    }),
    { numRuns: 500 },
  );
});

test('any text is a reference or a digest, or refused', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.stringMatching(/^[a-z0-9.:/@_-]{0,80}$/),
  );
  fc.assert(
    fc.property(text, (written) => {
      expectDecoded(parseReference(written));
      expectDecoded(parseDigest(written));
    }),
  );
});
