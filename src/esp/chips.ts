/** Half-open range of addresses: `start` is in, `end` is not. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

export type ChipName = 'esp32' | 'esp32s2' | 'esp32s3' | 'esp32c2' | 'esp32c3' | 'esp32c6' | 'esp32h2';

/** What the rooms above need to know of one chip, as data. Addresses are the CPU's. */
export interface Chip {
  readonly name: ChipName;
  /** As tools print it. */
  readonly label: string;
  readonly architecture: 'xtensa' | 'riscv';
  readonly cores: 1 | 2;
  /** Field `chip_id` of an image header. Source: esp-idf, esp_app_format.h. */
  readonly chipId: number;
  /** Wafer revision of the parts we model, major × 100 + minor, as eFuse says it. */
  readonly revision: number;
  readonly bootloaderOffset: number;
  /** Header nibble for a flash clock of 80 MHz (48 MHz on ESP32-H2). Source: esptool, FLASH_FREQUENCY. */
  readonly flashSpeed80MHz: number;
  /** Steps of the anti-rollback counter. Source: esp-idf, efuse tables, field SECURE_VERSION. */
  readonly secureVersionBits: number;
  /** Secure Boot V2 signature blocks and key digests the part knows, and its key kinds. */
  readonly secureBootV2: { readonly blocks: 1 | 3; readonly schemes: readonly ('rsa' | 'ecdsa')[] };
  /** Read by loaders to tell parts apart. Source: esptool, targets. */
  readonly magicRegister: { readonly address: number; readonly value: number };
  readonly efuseBase: number;
  /** Registers with the low and the high word of the factory MAC, in that order. */
  readonly macWords: readonly [number, number];
  readonly uartDateRegister: number;
  /** Pins that choose the serial loader at reset: `low` is pulled down, `high` (where it matters) is up. */
  readonly downloadStrap: {
    readonly low: number;
    readonly second: number;
    readonly secondLevel: 'low' | 'high';
  };
  /** Value after `boot:` in the ROM's banner, normal start and download. */
  readonly bootModes: { readonly flash: number; readonly download: number };
  /** Windows of the flash cache: segments here are mapped, not loaded. */
  readonly drom: AddressRange;
  readonly irom: AddressRange;
  readonly dram: AddressRange;
  readonly iram: AddressRange;
  /** RTC memories: valid load addresses that survive a deep sleep. */
  readonly rtc: readonly AddressRange[];
  /** Where an image's data and code segments usually go; inside `dram` and `iram`, apart from the loader's own. */
  readonly loadAddresses: {
    readonly data: number;
    readonly code: number;
    readonly bootData: number;
    readonly bootCode: number;
  };
  /** First lines of the mask ROM after a reset. */
  readonly romBanner: readonly string[];
}

const range = (start: number, end: number): AddressRange => ({ start, end });

/**
 * The chips we know.
 *
 * Sources: esptool targets (registers, MAC, memory map), esp-idf soc.h (load windows), and the first lines
 * of public boot logs (banners).
 */
export const CHIPS: Readonly<Record<ChipName, Chip>> = {
  esp32: {
    name: 'esp32',
    label: 'ESP32',
    architecture: 'xtensa',
    cores: 2,
    chipId: 0,
    revision: 300,
    bootloaderOffset: 0x1000,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 32,
    secureBootV2: { blocks: 1, schemes: ['rsa'] },
    magicRegister: { address: 0x40001000, value: 0x00f01d83 },
    efuseBase: 0x3ff5a000,
    macWords: [0x3ff5a004, 0x3ff5a008],
    uartDateRegister: 0x60000078,
    downloadStrap: { low: 0, second: 2, secondLevel: 'low' },
    bootModes: { flash: 0x13, download: 0x3 },
    drom: range(0x3f400000, 0x3f800000),
    irom: range(0x400d0000, 0x40400000),
    dram: range(0x3ffae000, 0x40000000),
    iram: range(0x40080000, 0x400aa000),
    rtc: [range(0x400c0000, 0x400c2000), range(0x3ff80000, 0x3ff82000), range(0x50000000, 0x50002000)],
    loadAddresses: { data: 0x3ffb0000, code: 0x40080000, bootData: 0x3fff0030, bootCode: 0x40078000 },
    romBanner: ['ets Jul 29 2019 12:21:46', ''],
  },
  esp32s2: {
    name: 'esp32s2',
    label: 'ESP32-S2',
    architecture: 'xtensa',
    cores: 1,
    chipId: 2,
    revision: 0,
    bootloaderOffset: 0x1000,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 16,
    secureBootV2: { blocks: 3, schemes: ['rsa'] },
    magicRegister: { address: 0x40001000, value: 0x000007c6 },
    efuseBase: 0x3f41a000,
    macWords: [0x3f41a044, 0x3f41a048],
    uartDateRegister: 0x60000078,
    downloadStrap: { low: 0, second: 46, secondLevel: 'low' },
    bootModes: { flash: 0x8, download: 0x0 },
    drom: range(0x3f000000, 0x3f3f0000),
    irom: range(0x40080000, 0x40800000),
    dram: range(0x3ffb0000, 0x40000000),
    iram: range(0x40020000, 0x40070000),
    rtc: [range(0x40070000, 0x40072000), range(0x3ff9e000, 0x3ffa0000), range(0x50000000, 0x50002000)],
    loadAddresses: { data: 0x3ffc0000, code: 0x40024000, bootData: 0x3ffe6110, bootCode: 0x4004c000 },
    romBanner: ['ESP-ROM:esp32s2-rc4-20191025', 'Build:Oct 25 2019'],
  },
  esp32s3: {
    name: 'esp32s3',
    label: 'ESP32-S3',
    architecture: 'xtensa',
    cores: 2,
    chipId: 9,
    revision: 2,
    bootloaderOffset: 0x0,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 16,
    secureBootV2: { blocks: 3, schemes: ['rsa'] },
    magicRegister: { address: 0x40001000, value: 0x00000009 },
    efuseBase: 0x60007000,
    macWords: [0x60007044, 0x60007048],
    uartDateRegister: 0x60000080,
    downloadStrap: { low: 0, second: 46, secondLevel: 'low' },
    bootModes: { flash: 0x8, download: 0x0 },
    drom: range(0x3c000000, 0x3e000000),
    irom: range(0x42000000, 0x44000000),
    dram: range(0x3fc88000, 0x3fd00000),
    iram: range(0x40370000, 0x403e0000),
    rtc: [range(0x600fe000, 0x60100000), range(0x50000000, 0x50002000)],
    loadAddresses: { data: 0x3fc98000, code: 0x40374000, bootData: 0x3fce3810, bootCode: 0x403c9700 },
    romBanner: ['ESP-ROM:esp32s3-20210327', 'Build:Mar 27 2021'],
  },
  esp32c2: {
    name: 'esp32c2',
    label: 'ESP32-C2',
    architecture: 'riscv',
    cores: 1,
    chipId: 12,
    revision: 101,
    bootloaderOffset: 0x0,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 4,
    secureBootV2: { blocks: 1, schemes: ['ecdsa'] },
    magicRegister: { address: 0x40001000, value: 0x6f51306f },
    efuseBase: 0x60008800,
    macWords: [0x60008840, 0x60008844],
    uartDateRegister: 0x6000007c,
    downloadStrap: { low: 9, second: 8, secondLevel: 'high' },
    bootModes: { flash: 0xc, download: 0x4 },
    drom: range(0x3c000000, 0x3c400000),
    irom: range(0x42000000, 0x42400000),
    dram: range(0x3fca0000, 0x3fce0000),
    iram: range(0x4037c000, 0x403c0000),
    rtc: [],
    loadAddresses: { data: 0x3fcb0000, code: 0x40380000, bootData: 0x3fcd5810, bootCode: 0x403ad400 },
    romBanner: ['ESP-ROM:esp8684-api2-20220127', 'Build:Jan 27 2022'],
  },
  esp32c3: {
    name: 'esp32c3',
    label: 'ESP32-C3',
    architecture: 'riscv',
    cores: 1,
    chipId: 5,
    revision: 4,
    bootloaderOffset: 0x0,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 16,
    secureBootV2: { blocks: 3, schemes: ['rsa'] },
    magicRegister: { address: 0x40001000, value: 0x1b31506f },
    efuseBase: 0x60008800,
    macWords: [0x60008844, 0x60008848],
    uartDateRegister: 0x6000007c,
    downloadStrap: { low: 9, second: 8, secondLevel: 'high' },
    bootModes: { flash: 0xc, download: 0x4 },
    drom: range(0x3c000000, 0x3c800000),
    irom: range(0x42000000, 0x42800000),
    dram: range(0x3fc80000, 0x3fce0000),
    iram: range(0x4037c000, 0x403e0000),
    rtc: [range(0x50000000, 0x50002000)],
    loadAddresses: { data: 0x3fc90000, code: 0x40380000, bootData: 0x3fcd5810, bootCode: 0x403cc700 },
    romBanner: ['ESP-ROM:esp32c3-api1-20210207', 'Build:Feb  7 2021'],
  },
  esp32c6: {
    name: 'esp32c6',
    label: 'ESP32-C6',
    architecture: 'riscv',
    cores: 1,
    chipId: 13,
    revision: 1,
    bootloaderOffset: 0x0,
    flashSpeed80MHz: 0x0,
    secureVersionBits: 16,
    secureBootV2: { blocks: 3, schemes: ['rsa', 'ecdsa'] },
    magicRegister: { address: 0x40001000, value: 0x2ce0806f },
    efuseBase: 0x600b0800,
    macWords: [0x600b0844, 0x600b0848],
    uartDateRegister: 0x6000007c,
    downloadStrap: { low: 9, second: 8, secondLevel: 'high' },
    bootModes: { flash: 0xc, download: 0x4 },
    drom: range(0x42000000, 0x43000000),
    irom: range(0x42000000, 0x43000000),
    dram: range(0x40800000, 0x40880000),
    iram: range(0x40800000, 0x40880000),
    rtc: [range(0x50000000, 0x50004000)],
    loadAddresses: { data: 0x40818000, code: 0x40800000, bootData: 0x40875720, bootCode: 0x4086c110 },
    romBanner: ['ESP-ROM:esp32c6-20220919', 'Build:Sep 19 2022'],
  },
  esp32h2: {
    name: 'esp32h2',
    label: 'ESP32-H2',
    architecture: 'riscv',
    cores: 1,
    chipId: 16,
    revision: 1,
    bootloaderOffset: 0x0,
    flashSpeed80MHz: 0xf,
    secureVersionBits: 16,
    secureBootV2: { blocks: 3, schemes: ['rsa', 'ecdsa'] },
    magicRegister: { address: 0x40001000, value: 0xd7b73e80 },
    efuseBase: 0x600b0800,
    macWords: [0x600b0844, 0x600b0848],
    uartDateRegister: 0x6000007c,
    downloadStrap: { low: 9, second: 8, secondLevel: 'high' },
    bootModes: { flash: 0xc, download: 0x4 },
    drom: range(0x42000000, 0x43000000),
    irom: range(0x42000000, 0x43000000),
    dram: range(0x40800000, 0x40850000),
    iram: range(0x40800000, 0x40850000),
    rtc: [range(0x50000000, 0x50001000)],
    loadAddresses: { data: 0x40818000, code: 0x40800000, bootData: 0x4083efd0, bootCode: 0x40839610 },
    romBanner: ['ESP-ROM:esp32h2-20221101', 'Build:Nov  1 2022'],
  },
};

export const CHIP_NAMES = Object.keys(CHIPS) as readonly ChipName[];

/** The chip a header's `chip_id` names; undefined for one we do not model. */
export function chipOfId(chipId: number): Chip | undefined {
  return CHIP_NAMES.map((name) => CHIPS[name]).find((chip) => chip.chipId === chipId);
}

export function isChipName(name: string): name is ChipName {
  return Object.hasOwn(CHIPS, name);
}

export function contains(window: AddressRange, address: number): boolean {
  return address >= window.start && address < window.end;
}

/** True when the flash cache shows this address, so that a segment there is mapped where it lies. */
export function isMapped(chip: Chip, address: number): boolean {
  return contains(chip.drom, address) || contains(chip.irom, address);
}
