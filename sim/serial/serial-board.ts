import type { Clock, Timer } from '../../src/time/clock.ts';
import { bootLogLines } from '../board/boot-log.ts';
import { type BootInput, type BootloaderBuild, boot, ESP_IDF_BUILD } from '../board/bootloader.ts';
import type { Efuse } from '../board/efuse.ts';
import type { NorFlash } from '../board/nor-flash.ts';
import type { ResetReason } from '../board/reset-reason.ts';
import { AddressSpace } from './address-space.ts';
import { BasicConsole } from './basic-console.ts';
import { RomWord, RtcWatchdog, UartClockDivider } from './chip-registers.ts';
import { downloadBannerLines } from './download-banner.ts';
import { type DownloadMode, EfuseWindow, readSecurityInfo } from './efuse-window.ts';
import { LOADER_CHIPS } from './loader-chip.ts';
import type { LoaderHardware, LoaderLine, SerialReader } from './loader-hardware.ts';
import {
  AutoResetCircuit,
  EN_HOLD_MS,
  type LineCircuit,
  type LineEffect,
  type ModemLines,
  UsbSerialJtagLines,
} from './modem-lines.ts';
import { RomLoader } from './rom-loader.ts';
import { SpiController } from './spi-controller.ts';
import { SpiFlashChip } from './spi-flash-chip.ts';
import { holdsFlasherStub } from './stub-greeting.ts';
import { StubLoader } from './stub-loader.ts';

/** Rate of the ROM's console, and of its loader until it has measured the host's. */
const ROM_BAUD_RATE = 115_200;
/** A receiver samples wrongly beyond this. Source: half a bit over a frame of ten. */
const BAUD_TOLERANCE = 0.05;
/** Source of revision bit 2 of an ESP32, bit 31. Source: esptool, targets, APB_CTL_DATE_ADDR. */
const ESP32_SYSCON_DATE = 0x3ff6607c;
const BITS_PER_BYTE = 10;

export interface SerialBoardParts {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly clock: Clock;
  readonly downloadMode: DownloadMode;
  readonly wiring: 'auto-reset' | 'usb-serial-jtag';
  /** The boot pin is held: every start ends in the loader, as with a finger on the button. */
  readonly bootPinHeld: boolean;
  /** `real`: answers take the time that flash and wire need; `instant`: none. */
  readonly pace: 'real' | 'instant';
  readonly bootloader?: BootloaderBuild;
  /** Bytes on the board's TX, in order. */
  readonly onOutput: (bytes: Uint8Array) => void;
}

/**
 * A board as its serial port shows it: power, both modem lines, a baud rate, and bytes in both directions.
 *
 * The port reaches the mask ROM's loader, a flasher stub, or the boot log, whichever runs. Synchronous; everything
 * that takes time goes through the clock.
 */
export class SerialBoard implements LoaderLine {
  readonly #parts: SerialBoardParts;
  readonly #flash: SpiFlashChip;
  readonly #circuit: LineCircuit;
  #reader: SerialReader | undefined;
  #memory: AddressSpace | undefined;
  #watchdog: RtcWatchdog | undefined;
  #baudRate = ROM_BAUD_RATE;
  #hostBaudRate: number | undefined;
  #measuresBaudRate = false;
  #settling: Timer | undefined;
  /** When the last byte sent so far is through. */
  #quietAtMs = 0;
  #life = 0;

  constructor(parts: SerialBoardParts) {
    this.#parts = parts;
    this.#flash = new SpiFlashChip(parts.flash);
    this.#circuit = parts.wiring === 'auto-reset' ? new AutoResetCircuit() : new UsbSerialJtagLines();
  }

  get baudRate(): number {
    return this.#baudRate;
  }

  powerOn(): void {
    this.#parts.flash.restorePower();
    this.#reset('power-on', this.#parts.bootPinHeld);
  }

  /** Bytes from the host. At another speed than the chip's they are noise and nothing comes of them. */
  receive(bytes: Uint8Array): void {
    if (this.#measuresBaudRate && this.#hostBaudRate !== undefined) this.#baudRate = this.#hostBaudRate;
    this.#measuresBaudRate = false;
    for (const byte of bytes) if (this.#hears()) this.#reader?.receive(byte);
  }

  /** Undefined for a link that has no speed, as TCP. */
  setHostBaudRate(bitsPerSecond: number | undefined): void {
    this.#hostBaudRate = bitsPerSecond;
  }

  setModemLines(lines: ModemLines): void {
    this.#settling?.cancel();
    this.#apply(this.#circuit.set(lines));
  }

  send(bytes: Uint8Array): void {
    const copy = bytes.slice();
    if (!this.#hears()) return;
    if (this.#parts.pace === 'instant') {
      this.#parts.onOutput(copy);
      return;
    }
    const { clock } = this.#parts;
    const life = this.#life;
    const wireMs = (copy.length * BITS_PER_BYTE * 1000) / this.#baudRate;
    this.#quietAtMs = Math.max(this.#quietAtMs, clock.nowMs) + this.#flash.busyMs + wireMs;
    this.#flash.busyMs = 0;
    clock.after(this.#quietAtMs - clock.nowMs, () => {
      if (life === this.#life) this.#parts.onOutput(copy);
    });
  }

  setBaudRate(bitsPerSecond: number): void {
    this.#baudRate = bitsPerSecond;
  }

  run(): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    this.#reader = holdsFlasherStub(memory) ? new StubLoader(this.#hardware(memory), this) : undefined;
  }

  leave(): void {
    const basic = LOADER_CHIPS[this.#parts.efuse.chip.name].basic;
    this.#reader = basic ? new BasicConsole((text) => this.send(Buffer.from(text, 'latin1'))) : undefined;
  }

  reboot(): void {
    this.#reset('software', this.#parts.bootPinHeld);
  }

  #apply(effect: LineEffect): void {
    switch (effect) {
      case 'none':
        break;
      case 'held':
        this.#halt();
        this.#settling = this.#parts.clock.after(EN_HOLD_MS, () => this.#apply(this.#circuit.settle()));
        break;
      default:
        this.#reset('power-on', effect === 'reset-to-download' || this.#parts.bootPinHeld);
    }
  }

  #halt(): void {
    this.#life++;
    this.#reader = undefined;
    this.#watchdog?.stop();
    this.#quietAtMs = 0;
    this.#flash.busyMs = 0;
  }

  #reset(reason: ResetReason, bootPinLow: boolean): void {
    this.#halt();
    this.#baudRate = ROM_BAUD_RATE;
    this.#measuresBaudRate = false;
    if (bootPinLow && this.#parts.downloadMode !== 'disabled') this.#startLoader(reason);
    else this.#startFromFlash(reason);
  }

  #startLoader(reason: ResetReason): void {
    const { chip } = this.#parts.efuse;
    this.#print(downloadBannerLines(chip, reason));
    this.#memory = this.#addressSpace();
    this.#reader = new RomLoader(this.#hardware(this.#memory), this);
    this.#measuresBaudRate = true;
  }

  #startFromFlash(resetReason: ResetReason): void {
    const { flash, efuse, bootloader } = this.#parts;
    const input: BootInput = { flash, efuse, build: bootloader ?? ESP_IDF_BUILD, resetReason };
    this.#print(bootLogLines(input, boot(input)));
  }

  #hardware(memory: AddressSpace): LoaderHardware {
    const { efuse, downloadMode } = this.#parts;
    return {
      chip: efuse.chip,
      flash: this.#flash,
      memory,
      securityInfo: readSecurityInfo(efuse, downloadMode),
      secureDownload: downloadMode === 'secure',
    };
  }

  #addressSpace(): AddressSpace {
    const { efuse, downloadMode, clock } = this.#parts;
    const { chip } = efuse;
    const { spiBase, spi, uartClockDivider, crystalMHz, watchdog } = LOADER_CHIPS[chip.name];
    this.#watchdog =
      watchdog === undefined
        ? undefined
        : new RtcWatchdog(watchdog, clock, () => this.#reset('rtc-watchdog-system', this.#parts.bootPinHeld));
    const memory = new AddressSpace([
      new RomWord(chip.magicRegister.address, chip.magicRegister.value),
      new EfuseWindow(efuse, downloadMode),
      new SpiController(spiBase, spi, this.#flash),
      new UartClockDivider(uartClockDivider, crystalMHz, () => this.#baudRate),
      ...(this.#watchdog === undefined ? [] : [this.#watchdog]),
    ]);
    if (chip.name === 'esp32' && efuse.chipRevision >= 300) memory.writeWord(ESP32_SYSCON_DATE, 0x80000000);
    return memory;
  }

  #hears(): boolean {
    const host = this.#hostBaudRate;
    return host === undefined || Math.abs(host / this.#baudRate - 1) <= BAUD_TOLERANCE;
  }

  #print(lines: readonly string[]): void {
    this.send(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
  }
}
