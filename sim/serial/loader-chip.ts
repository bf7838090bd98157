import type { ChipName } from '../../src/esp/chips.ts';

/** Offsets of the SPI controller's registers in its window. Source: esptool, targets, SPI_*_OFFS. */
export interface SpiLayout {
  readonly usr: number;
  readonly usr1: number;
  readonly usr2: number;
  readonly mosiLength: number;
  readonly misoLength: number;
  readonly w0: number;
  /** The address stands in the high bits of its register; later chips keep it in the low ones. */
  readonly addressHigh: boolean;
}

export interface WatchdogRegisters {
  readonly config0: number;
  readonly config1: number;
  readonly writeProtect: number;
}

/** What the serial loaders of one chip add to its row in the chip table. Source: esptool, targets. */
export interface LoaderChip {
  readonly spiBase: number;
  readonly spi: SpiLayout;
  readonly uartClockDivider: number;
  readonly crystalMHz: number;
  readonly watchdog: WatchdogRegisters | undefined;
  /** GET_SECURITY_INFO: not known, 12 bytes, or 20 with this API version. */
  readonly securityInfo: 'none' | 'short' | { readonly apiVersion: number };
  /** FLASH_BEGIN and FLASH_DEFL_BEGIN take a fifth word: whether to encrypt. */
  readonly encryptWord: boolean;
  /** Left without a program, the ROM starts its BASIC. */
  readonly basic: boolean;
  readonly usbSerialJtag: boolean;
  /**
   * Where the ROM keeps the address of its own flash read function, in RAM. Tools put their stub's entry there,
   * because this ROM starts no downloaded code once Secure Boot is on. Source: esptool, loader.py, run_stub.
   */
  readonly flashReadPointer?: number;
}

const FIRST_SPI: SpiLayout = {
  usr: 0x1c,
  usr1: 0x20,
  usr2: 0x24,
  mosiLength: 0x28,
  misoLength: 0x2c,
  w0: 0x80,
  addressHigh: true,
};

const LATER_SPI: SpiLayout = {
  usr: 0x18,
  usr1: 0x1c,
  usr2: 0x20,
  mosiLength: 0x24,
  misoLength: 0x28,
  w0: 0x58,
  addressHigh: false,
};

const LATER = {
  spiBase: 0x60002000,
  spi: LATER_SPI,
  uartClockDivider: 0x60000014,
  crystalMHz: 40,
  encryptWord: true,
  basic: false,
} as const;

const LP_WATCHDOG = 0x600b1c00;

export const LOADER_CHIPS: Readonly<Record<ChipName, LoaderChip>> = {
  esp32: {
    spiBase: 0x3ff42000,
    spi: FIRST_SPI,
    uartClockDivider: 0x3ff40014,
    crystalMHz: 40,
    watchdog: undefined,
    securityInfo: 'none',
    encryptWord: false,
    basic: true,
    usbSerialJtag: false,
  },
  esp32s2: {
    ...LATER,
    spiBase: 0x3f402000,
    uartClockDivider: 0x3f400014,
    watchdog: { config0: 0x3f408094, config1: 0x3f408098, writeProtect: 0x3f4080ac },
    securityInfo: 'short',
    usbSerialJtag: false,
  },
  esp32s3: {
    ...LATER,
    watchdog: { config0: 0x60008098, config1: 0x6000809c, writeProtect: 0x600080b0 },
    securityInfo: { apiVersion: 0 },
    usbSerialJtag: true,
    flashReadPointer: 0x3fcef688,
  },
  esp32c2: {
    ...LATER,
    watchdog: { config0: 0x60008084, config1: 0x60008088, writeProtect: 0x6000809c },
    securityInfo: { apiVersion: 1 },
    usbSerialJtag: false,
  },
  esp32c3: {
    ...LATER,
    watchdog: { config0: 0x60008090, config1: 0x60008094, writeProtect: 0x600080a8 },
    securityInfo: { apiVersion: 3 },
    usbSerialJtag: true,
  },
  esp32c6: {
    ...LATER,
    spiBase: 0x60003000,
    watchdog: { config0: LP_WATCHDOG, config1: LP_WATCHDOG + 0x04, writeProtect: LP_WATCHDOG + 0x18 },
    securityInfo: { apiVersion: 0 },
    usbSerialJtag: true,
  },
  esp32h2: {
    ...LATER,
    spiBase: 0x60003000,
    crystalMHz: 32,
    watchdog: { config0: LP_WATCHDOG, config1: LP_WATCHDOG + 0x04, writeProtect: LP_WATCHDOG + 0x1c },
    securityInfo: { apiVersion: 0 },
    usbSerialJtag: true,
  },
};
