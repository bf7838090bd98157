import type { Clock, Timer } from '../../src/time/clock.ts';
import type { Peripheral } from './address-space.ts';
import type { WatchdogRegisters } from './loader-chip.ts';

/** A word that always reads the same: the one in the mask ROM by which tools tell chips apart. */
export class RomWord implements Peripheral {
  readonly start: number;
  readonly end: number;
  readonly #value: number;

  constructor(address: number, value: number) {
    this.start = address;
    this.end = address + 4;
    this.#value = value;
  }

  readWord(): number {
    return this.#value;
  }

  writeWord(): void {}
}

/**
 * The divider from the crystal to the baud rate, as the ROM's auto-baud left it: whole part in bits 0–19,
 * sixteenths in bits 20–23. Source: ESP32 TRM, UART_CLKDIV_REG.
 */
export class UartClockDivider implements Peripheral {
  readonly start: number;
  readonly end: number;
  readonly #crystalMHz: number;
  readonly #baudRate: () => number;

  constructor(address: number, crystalMHz: number, baudRate: () => number) {
    this.start = address;
    this.end = address + 4;
    this.#crystalMHz = crystalMHz;
    this.#baudRate = baudRate;
  }

  readWord(): number {
    const sixteenths = Math.round((this.#crystalMHz * 16_000_000) / this.#baudRate());
    return ((sixteenths & 0xf) << 20) | ((sixteenths >> 4) & 0xfffff);
  }

  writeWord(): void {}
}

/** Opens the watchdog's registers for writing. Source: esp-idf, RTC_CNTL_WDT_WKEY. */
const WRITE_KEY = 0x50d83aa1;
const ENABLE = 2 ** 31;
/** Frequency of the watchdog's slow clock, in kHz. Source: ESP32-C3 TRM, RTC_SLOW_CLK. */
const SLOW_CLOCK_KHZ = 136;

/** The RTC watchdog, armed by tools that want a full reset without a line for it. */
export class RtcWatchdog implements Peripheral {
  readonly start: number;
  readonly end: number;
  readonly #registers: WatchdogRegisters;
  readonly #clock: Clock;
  readonly #onExpiry: () => void;
  readonly #values = new Map<number, number>();
  #timer: Timer | undefined;

  constructor(registers: WatchdogRegisters, clock: Clock, onExpiry: () => void) {
    this.start = registers.config0;
    this.end = registers.writeProtect + 4;
    this.#registers = registers;
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  readWord(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  writeWord(address: number, value: number): void {
    const { config0, config1, writeProtect } = this.#registers;
    if (address !== writeProtect && this.readWord(writeProtect) !== WRITE_KEY) return;
    this.#values.set(address, value);
    if (address !== config0) return;
    this.stop();
    if (value >= ENABLE)
      this.#timer = this.#clock.after(this.readWord(config1) / SLOW_CLOCK_KHZ, this.#onExpiry);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
