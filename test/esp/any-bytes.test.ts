import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAppDescription } from '../../src/esp/app-description.ts';
import { parseAppImage, verifyAppImage } from '../../src/esp/app-image.ts';
import { buildAppImage, buildBootloaderImage } from '../../src/esp/app-image-build.ts';
import { readBootCounter } from '../../src/esp/boot-counter.ts';
import { parseBootloaderDescription } from '../../src/esp/bootloader-description.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { recogniseCoreDump } from '../../src/esp/core-dump.ts';
import { parseNvs } from '../../src/esp/nvs.ts';
import { buildNvs } from '../../src/esp/nvs-build.ts';
import { parseNvsCsv } from '../../src/esp/nvs-csv.ts';
import { formatPartitionCsv, parsePartitionCsv } from '../../src/esp/partition-csv.ts';
import { checkLayout, encodePartitionTable, parsePartitionTable } from '../../src/esp/partition-table.ts';
import { parseSecureBootV1, verifySecureBootV1 } from '../../src/esp/secure-boot-v1.ts';
import { checkSignature, readSignatureBlocks, signImage } from '../../src/esp/secure-boot-v2.ts';
import { parseSignatureBlock } from '../../src/esp/signature-block.ts';
import { SeededRandom } from '../../src/random/random.ts';

/** The nightly tier sets this higher. */
const RUNS = Number(process.env.CODEC_RUNS ?? 1000);

const chip = CHIPS.esp32c3;
const contents = (length: number) => SeededRandom.ofSeed(1).bytes(length);
const image = buildAppImage({ chip, projectName: 'thermo', version: '1', sizeBytes: 2000, contents });
const table = {
  hasMd5: true,
  partitions: [partition('nvs', 1, 2, 0x9000), partition('ota_0', 0, 16, 0x10000)],
};
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const publicKey = createPublicKey(p256);
const signed = signImage(image, [p256, generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey]);
const nvs = buildNvs(
  [
    { namespace: 'n', key: 'text', type: 'string', value: 'hello' },
    { namespace: 'n', key: 'blob', type: 'blob', value: contents(5000) },
    { namespace: 'm', key: 'number', type: 'u32', value: 7n },
  ],
  0x4000,
);
const csv = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);
const allSchemes = { digests: [], revoked: [], schemes: ['rsa-3072', 'ecdsa-p256', 'ecdsa-p384'] as const };

function partition(label: string, type: number, subtype: number, offset: number) {
  return { label, type, subtype, offset, size: 0x10000, encrypted: false, readOnly: false };
}

const decoders: readonly [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
  [
    'app image',
    image,
    (bytes) => [parseAppImage(bytes), verifyAppImage(bytes, { chip }), verifyAppImage(bytes)],
  ],
  ['app description', image.slice(32, 288), parseAppDescription],
  [
    'bootloader description',
    buildBootloaderImage({ chip, sizeBytes: 1000, contents }).slice(32, 112),
    parseBootloaderDescription,
  ],
  [
    'partition table',
    encodePartitionTable(table),
    (bytes) => {
      const parsed = parsePartitionTable(bytes);
      if (parsed.ok) checkLayout(parsed.value, 4 << 20);
      return parsed;
    },
  ],
  ['partition CSV', csv(formatPartitionCsv(table)), (bytes) => parsePartitionCsv(text(bytes))],
  ['NVS', nvs, parseNvs],
  [
    'NVS CSV',
    csv('key,type,encoding,value\nn,namespace,,\na,data,hex2bin,0011\n'),
    (bytes) => parseNvsCsv(text(bytes)),
  ],
  ['signature block', signed.slice(4096), parseSignatureBlock],
  ['signed image', signed, (bytes) => [checkSignature(bytes, 2000, allSchemes), readSignatureBlocks(bytes)]],
  [
    'Secure Boot V1 signature',
    new Uint8Array(200),
    (bytes) => [parseSecureBootV1(bytes), verifySecureBootV1(bytes, publicKey)],
  ],
  ['core dump', Uint8Array.of(200, 0, 0, 0, 3, 1, 5, 0, ...new Uint8Array(192)), recogniseCoreDump],
  ['boot counter', Uint8Array.of(0x42, 0x43, 3, ...new Uint8Array(17).fill(0xff)), readBootCounter],
];

test.each(decoders)('any bytes at all leave the decoder of a %s in peace', async (_name, sample, decode) => {
  const mutation = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 5000 }),
    fc.nat(sample.length).map((length) => sample.slice(0, length)),
    mutation.map((changes) => {
      const bytes = sample.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    }),
    fc
      .tuple(fc.nat(sample.length), fc.uint8Array({ maxLength: 100 }))
      .map(([at, inserted]) =>
        Uint8Array.from([...sample.subarray(0, at), ...inserted, ...sample.subarray(at)]),
      ),
  );
  const leavesAlone = fc.property(input, (bytes) => {
    const before = bytes.slice();
    decode(bytes);
    expect(Buffer.compare(bytes, before)).toBe(0);
  });
  // In slices, so that a long run does not keep the test runner from hearing of it.
  for (let left = RUNS; left > 0; left -= 1000) {
    fc.assert(leavesAlone, { numRuns: Math.min(left, 1000) });
    await setImmediate();
  }
});
