import { toHex } from '../esp/byte-fields.ts';
import { chipOfId, isMapped } from '../esp/chips.ts';
import { parseSecureBootV1, SECURE_BOOT_V1_SIZE } from '../esp/secure-boot-v1.ts';
import { describeRevision } from './chip-argument.ts';
import { describeBlocks, describeIntegrity, type ImageFile } from './image-file.ts';
import { describeSize, hex } from './number-argument.ts';
import { indentColumns, printable } from './text-layout.ts';

const SPI_MODES = ['QIO', 'QOUT', 'DIO', 'DOUT', 'FAST', 'SLOW'];
const CLOCK_DIVIDERS: Readonly<Record<number, number>> = { 0: 2, 1: 3, 2: 4, 15: 1 };

/** All an image says of itself, for programs. */
export function imageJson(file: ImageFile) {
  const { image, bootloader } = file;
  const { header, description } = image;
  return {
    kind: file.kind,
    chip: chipOfId(header.chipId)?.name ?? null,
    header,
    segments: image.segments,
    imageLength: image.imageLength,
    checksum: image.checksum,
    hash: image.storedHash === undefined ? null : toHex(image.storedHash),
    integrity: describeIntegrity(file),
    description:
      description === undefined ? null : { ...description, elfSha256: toHex(description.elfSha256) },
    bootloaderDescription: bootloader ?? null,
    secureBootV1: hasV1Signature(file),
    signatureBlocks: describeBlocks(file),
  };
}

/** The same for people. */
export function describeImage(file: ImageFile): string[] {
  const { image } = file;
  const { header } = image;
  const chip = chipOfId(header.chipId);
  const facts: string[][] = [
    [
      'chip',
      chip === undefined ? `id ${header.chipId}, not modelled` : `${chip.label} (id ${header.chipId})`,
    ],
    ['revision', describeRevisions(header.chipRevisionMin, header.chipRevisionMax)],
    ['entry', hex(header.entryAddress, 8)],
    ['flash', describeFlash(header.spiMode, header.spiSpeed, header.spiSize)],
    ['checksum', hex(image.checksum, 2)],
    ['sha256', image.storedHash === undefined ? 'none appended' : toHex(image.storedHash)],
    ['integrity', describeIntegrity(file)],
  ];
  const segments = image.segments.map(({ loadAddress, dataOffset, length }, index) => [
    String(index),
    hex(dataOffset, 6),
    hex(loadAddress, 8),
    `${length} bytes`,
    chip !== undefined && isMapped(chip, loadAddress)
      ? 'mapped'
      : loadAddress < 0x10000000
        ? 'padding'
        : 'loaded',
  ]);
  return [
    `${file.name}: ${file.kind} image of ${image.imageLength} bytes`,
    ...indentColumns(facts),
    'segments',
    ...indentColumns([['', 'offset', 'address', 'length', ''], ...segments]),
    ...describeDescription(file),
    ...describeSignatures(file),
  ];
}

function describeDescription({ image, bootloader }: ImageFile): string[] {
  const { description } = image;
  if (description !== undefined)
    return [
      'app description',
      ...indentColumns(
        [
          ['project', description.projectName],
          ['version', description.version],
          ['secure version', String(description.secureVersion)],
          ['compiled', `${description.date} ${description.time}`],
          ['ESP-IDF', description.idfVersion],
          ['ELF sha256', toHex(description.elfSha256)],
          [
            'eFuse block',
            describeRevisions(description.efuseBlockRevisionMin, description.efuseBlockRevisionMax),
          ],
          [
            'MMU page',
            description.mmuPageSizeLog2 === 0 || description.mmuPageSizeLog2 > 16
              ? 'not said'
              : describeSize(2 ** description.mmuPageSizeLog2),
          ],
        ].map((row) => row.map(printable)),
      ),
    ];
  if (bootloader === undefined) return ['no description'];
  return [
    'bootloader description',
    ...indentColumns(
      [
        ['version', String(bootloader.version)],
        ['secure version', String(bootloader.secureVersion)],
        ['compiled', bootloader.dateTime],
        ['ESP-IDF', bootloader.idfVersion],
      ].map((row) => row.map(printable)),
    ),
  ];
}

function describeSignatures(file: ImageFile): string[] {
  const blocks = describeBlocks(file);
  if (blocks.length === 0)
    return [hasV1Signature(file) ? 'Secure Boot V1 signature' : 'not signed for Secure Boot'];
  return blocks.flatMap(({ scheme, keyDigest, imageDigest, verdict }, index) => [
    `Secure Boot V2 block ${index}: ${scheme}`,
    ...indentColumns([
      ['key digest', keyDigest],
      ['image digest', imageDigest],
      ['signature', verdict],
    ]),
  ]);
}

function hasV1Signature({ bytes, image, blocks }: ImageFile): boolean {
  const signed = bytes.length - image.imageLength;
  const padded = signed >= SECURE_BOOT_V1_SIZE && signed < SECURE_BOOT_V1_SIZE + 16;
  return blocks.length === 0 && padded && parseSecureBootV1(bytes).ok;
}

function describeRevisions(min: number, max: number): string {
  const bounded = max !== 0 && max !== 0xffff;
  return `${describeRevision(min)} ${bounded ? `to ${describeRevision(max)}` : 'or later'}`;
}

function describeFlash(mode: number, speed: number, size: number): string {
  const divider = CLOCK_DIVIDERS[speed];
  return [
    SPI_MODES[mode] ?? `mode ${mode}`,
    divider === undefined ? `clock code ${speed}` : `clock divided by ${divider}`,
    `${2 ** size} MB`,
  ].join(', ');
}
