import type { Chip } from '../../src/esp/chips.ts';
import type { SecurityInfo } from '../../src/rom/security-info.ts';
import type { AddressSpace } from './address-space.ts';
import type { SpiFlashChip } from './spi-flash-chip.ts';

/** The parts of a board that a loader running on it can touch. */
export interface LoaderHardware {
  readonly chip: Chip;
  readonly flash: SpiFlashChip;
  readonly memory: AddressSpace;
  /** Undefined on a chip that does not know the command. */
  readonly securityInfo: SecurityInfo | undefined;
  readonly secureDownload: boolean;
}

/** Where a loader's work shows outside it. Calls come in the order things happen. */
export interface LoaderLine {
  /** Raw bytes for the host, framed already. */
  send(bytes: Uint8Array): void;
  /** Bits per second the chip listens and talks at, from now on. */
  setBaudRate(bitsPerSecond: number): void;
  readonly baudRate: number;
  /** Code in RAM takes over; the loader is gone. */
  run(entryAddress: number): void;
  /** The loader returns without a program to run. */
  leave(): void;
  /** A software reset. */
  reboot(): void;
}

/** Something on the chip that reads the serial line byte by byte. */
export interface SerialReader {
  receive(byte: number): void;
}
