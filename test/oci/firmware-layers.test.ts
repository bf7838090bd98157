import { describe, expect, test } from 'vitest';
import { buildBootloaderImage } from '../../src/esp/app-image-build.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { encodePartitionTable, type Partition } from '../../src/esp/partition-table.ts';
import type { FirmwarePart } from '../../src/oci/firmware-layers.ts';
import { type ImageManifest, parseManifest } from '../../src/oci/manifest.ts';
import { packFirmware } from '../../src/oci/pack.ts';
import { appImage, thermoBuild } from './fixture.ts';

const row = (label: string, type: number, subtype: number, offset: number, size: number): Partition => ({
  label,
  type,
  subtype,
  offset,
  size,
  encrypted: false,
  readOnly: false,
});
const ROWS = [
  row('nvs', 1, 2, 0x9000, 0x4000),
  row('otadata', 1, 0, 0xd000, 0x2000),
  row('ota_0', 0, 0x10, 0x10000, 0x100000),
  row('ota_1', 0, 0x11, 0x110000, 0x100000),
  row('model', 1, 0x82, 0x210000, 0x10000),
];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const filled = (length: number) => new Uint8Array(length).fill(7);
const bootloader = (chip: 'esp32s3' | 'esp32c3', sizeBytes = 4096): FirmwarePart => ({
  kind: 'bootloader',
  offsetBytes: 0,
  bytes: buildBootloaderImage({ chip: CHIPS[chip], sizeBytes, contents: filled }),
});
const table = (rows: readonly Partition[] = ROWS): FirmwarePart => ({
  kind: 'partition-table',
  offsetBytes: 0x8000,
  bytes: encodePartitionTable({ partitions: rows, hasMd5: true }),
});
const partition = (label: string, offsetBytes: number, length = 64): FirmwarePart => ({
  kind: 'partition',
  label,
  offsetBytes,
  bytes: filled(length),
});
const sbom = (content: string): FirmwarePart => ({ kind: 'sbom', bytes: text(content) });

function pack(parts: readonly FirmwarePart[], image = appImage(9, 6000), flashSizeBytes = 4 << 20) {
  return packFirmware({ ...thermoBuild(), chips: [{ chip: 'esp32s3', image, parts, flashSizeBytes }] });
}

test('parts become layers in their order in flash, the bill of materials last, the app image first', () => {
  const parts = [
    sbom('{"spdxVersion":"SPDX-2.3"}'),
    partition('model', 0x210000),
    table(),
    bootloader('esp32s3'),
  ];
  const packed = pack(parts);
  if (!packed.ok) throw new Error(packed.refusal.message);
  expect(packed).toEqual(pack([...parts].reverse()));
  const [manifest] = packed.value.manifests;
  const parsed = parseManifest(manifest?.bytes ?? new Uint8Array(0), manifest?.mediaType ?? '');
  const layers = parsed.ok ? (parsed.value as ImageManifest).layers : [];
  expect(
    layers.map(({ mediaType, annotations }) => [mediaType.replace(/.*firmware\./, ''), annotations]),
  ).toEqual([
    ['app-image.v1', { 'org.opencontainers.image.title': 'thermo-1.0.0-esp32s3.bin' }],
    ['bootloader.v1', { 'dev.brickproof.firmware.flash-offset': '0' }],
    ['partition-table.v1', { 'dev.brickproof.firmware.flash-offset': '32768' }],
    [
      'partition.v1',
      {
        'dev.brickproof.firmware.flash-offset': '2162688',
        'dev.brickproof.firmware.partition': 'model',
      },
    ],
    ['application/spdx+json', undefined],
  ]);
});

describe('parts that do not fit together are refused', () => {
  test.each<[string, readonly FirmwarePart[], RegExp, Uint8Array?]>([
    ['a bootloader of another chip', [bootloader('esp32c3')], /bootloader is for esp32c3/],
    [
      'a bootloader that is none',
      [{ kind: 'bootloader', offsetBytes: 0, bytes: filled(64) }],
      /does not start as an image/,
    ],
    ['a bootloader that runs into the table', [bootloader('esp32s3', 0x9000), table()], /runs into/],
    [
      'a table that is none',
      [{ kind: 'partition-table', offsetBytes: 0x8000, bytes: filled(64) }],
      /partition table: row 0/,
    ],
    [
      'a table past the flash',
      [table([...ROWS, row('far', 1, 0x82, 4 << 20, 0x1000)])],
      /ends past the flash/,
    ],
    ['a table without app partitions', [table(ROWS.slice(0, 1))], /no app partition/],
    [
      'an image larger than the smaller slot',
      [table([...ROWS.slice(0, 3), row('ota_1', 0, 0x11, 0x110000, 0x10000)])],
      /smallest app slot only 65536/,
      appImage(9, 0x10010),
    ],
    ['a partition that the table does not have', [table(), partition('storage', 0x210000)], /no "storage"/],
    ['a partition elsewhere than in the table', [table(), partition('model', 0x220000)], /lies at/],
    ['a partition too small for its file', [table(), partition('model', 0x210000, 0x10001)], /65536 bytes/],
    ['a label that is none', [partition('a/b', 0x210000)], /not a partition label/],
    ['a bill of materials of no known kind', [sbom('{"hello":1}')], /SPDX/],
  ])('%s', (_, parts, message, image) => {
    const packed = pack(parts, image);
    expect(packed.ok).toBe(false);
    expect(!packed.ok && packed.refusal.message).toMatch(message);
  });
});

test.each([
  ['SPDXVersion: SPDX-2.3\n', 'text/spdx'],
  ['{"bomFormat":"CycloneDX"}', 'application/vnd.cyclonedx+json'],
])('a bill of materials has its registered type (%#)', (content, mediaType) => {
  const packed = pack([sbom(content)]);
  const bytes = packed.ok ? new TextDecoder().decode(packed.value.manifests[0]?.bytes) : '';
  expect(bytes).toContain(`"mediaType":"${mediaType}"`);
});
