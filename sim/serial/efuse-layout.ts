import type { ChipName } from '../../src/esp/chips.ts';

/** `bits` bits of the word at `offset` from the eFuse controller's base, from bit `bit` up. */
export interface FuseField {
  readonly offset: number;
  readonly bit: number;
  readonly bits: number;
}

export interface EfuseLayout {
  readonly fields: {
    readonly macCrc?: FuseField;
    readonly macExtension?: FuseField;
    readonly revisionMajor?: FuseField;
    /** One bit a step, lowest first: how an ESP32 counts its major revisions. */
    readonly revisionMajorUnary?: readonly FuseField[];
    readonly revisionMinor?: FuseField;
    /** Bits of the minor revision that did not fit `revisionMinor`. */
    readonly revisionMinorHigh?: FuseField;
    readonly secureVersion: FuseField;
    readonly secureBoot: FuseField;
    readonly aggressiveRevoke?: FuseField;
    readonly secureDownload?: FuseField;
    readonly downloadDisabled: FuseField;
    readonly keyRevoked: readonly FuseField[];
    readonly keyPurpose: readonly FuseField[];
  };
  /** Where the key digests stand, and how many of their bytes the part keeps. */
  readonly digestOffsets: readonly number[];
  readonly digestSize: number;
}

function field(offset: number, bit: number, bits = 1): FuseField {
  return { offset, bit, bits };
}

/** Read registers of blocks 0 and 1 and of the first keys on ESP32-S2 and later, but ESP32-C2. Source: espefuse, mem_definition. */
const BLOCK0 = 0x2c;
const BLOCK1 = 0x44;
const KEY0 = 0x9c;
const KEY_SIZE = 0x20;

const LATER = {
  secureBoot: field(BLOCK0 + 0xc, 20),
  aggressiveRevoke: field(BLOCK0 + 0xc, 21),
  secureDownload: field(BLOCK0 + 0x10, 5),
  downloadDisabled: field(BLOCK0 + 0x10, 0),
  keyRevoked: [field(BLOCK0 + 0x8, 21), field(BLOCK0 + 0x8, 22), field(BLOCK0 + 0x8, 23)],
  keyPurpose: [field(BLOCK0 + 0x8, 24, 4), field(BLOCK0 + 0x8, 28, 4), field(BLOCK0 + 0xc, 0, 4)],
} as const;

const DIGESTS = { digestOffsets: [KEY0, KEY0 + KEY_SIZE, KEY0 + 2 * KEY_SIZE], digestSize: 32 } as const;

/** ESP32-S3 and C3. */
const REVISION_IN_WORDS_3_AND_5 = {
  revisionMinor: field(BLOCK1 + 0xc, 18, 3),
  revisionMinorHigh: field(BLOCK1 + 0x14, 23),
  revisionMajor: field(BLOCK1 + 0x14, 24, 2),
} as const;

/** Source: espefuse, efuse_defs, one YAML file a chip. */
const LAYOUTS: Readonly<Record<ChipName, EfuseLayout>> = {
  esp32: {
    fields: {
      macCrc: field(0x08, 16, 8),
      // CHIP_VER_REV1 and CHIP_VER_REV2; the third step is bit 31 of SYSCON_DATE, which is no fuse.
      revisionMajorUnary: [field(0x0c, 15), field(0x14, 20)],
      revisionMinor: field(0x14, 24, 2),
      secureVersion: field(0x88, 0, 32),
      secureBoot: field(0x18, 5),
      downloadDisabled: field(0x00, 27),
      keyRevoked: [],
      keyPurpose: [],
    },
    digestOffsets: [0x58],
    digestSize: 32,
  },
  esp32s2: {
    fields: {
      ...LATER,
      revisionMajor: field(BLOCK1 + 0xc, 18, 2),
      revisionMinorHigh: field(BLOCK1 + 0xc, 20),
      revisionMinor: field(BLOCK1 + 0x10, 4, 3),
      secureVersion: field(BLOCK0 + 0x10, 11, 16),
    },
    ...DIGESTS,
  },
  esp32s3: {
    fields: { ...LATER, ...REVISION_IN_WORDS_3_AND_5, secureVersion: field(BLOCK0 + 0x10, 14, 16) },
    ...DIGESTS,
  },
  esp32c2: {
    fields: {
      revisionMinor: field(0x44, 16, 4),
      revisionMajor: field(0x44, 20, 2),
      secureVersion: field(0x30, 22, 4),
      secureBoot: field(0x30, 21),
      secureDownload: field(0x30, 16),
      downloadDisabled: field(0x30, 14),
      keyRevoked: [],
      keyPurpose: [],
    },
    // The upper half of the only key block: 128 bits of the digest.
    digestOffsets: [0x70],
    digestSize: 16,
  },
  esp32c3: {
    fields: { ...LATER, ...REVISION_IN_WORDS_3_AND_5, secureVersion: field(BLOCK0 + 0x10, 14, 16) },
    ...DIGESTS,
  },
  esp32c6: {
    fields: {
      ...LATER,
      macExtension: field(BLOCK1 + 0x4, 16, 16),
      revisionMinor: field(BLOCK1 + 0xc, 18, 4),
      revisionMajor: field(BLOCK1 + 0xc, 22, 2),
      secureVersion: field(BLOCK0 + 0x10, 14, 16),
    },
    ...DIGESTS,
  },
  esp32h2: {
    fields: {
      ...LATER,
      macExtension: field(BLOCK1 + 0x4, 16, 16),
      revisionMinor: field(BLOCK1 + 0xc, 18, 3),
      revisionMajor: field(BLOCK1 + 0xc, 21, 2),
      secureVersion: field(BLOCK0 + 0x10, 9, 16),
    },
    ...DIGESTS,
  },
};

export function efuseLayout(chip: ChipName): EfuseLayout {
  return LAYOUTS[chip];
}
