import type { Chip } from '../../src/esp/chips.ts';
import type { BootFailure } from './bootloader.ts';
import type { ResetReason } from './reset-reason.ts';

/** ROM and second stage, without the image check. Source: boot logs of ESP-IDF 5 at the default log level. */
export const BOOT_MS = 280;
/** How long a ROM that finds no bootloader tries before its watchdog bites: the order of public logs, documented nowhere. */
const ROM_TRIES_MS = 1_000;

/**
 * A chip that finds nothing to boot, and resets for ever.
 *
 * No event is spent on it: its flash does not change, so every round is the same, and how many there were is
 * worked out when somebody asks.
 */
export class BootLoop {
  /** Why each further round began. */
  readonly resetReason: ResetReason;
  readonly #periodMs: number;
  readonly #sinceMs: number;

  /**
   * A second stage resets the chip itself; a ROM without one is reset by the watchdog that guards booting from flash.
   * Source: bootloader_utility.c, bootloader_reset; public logs of chips with erased flash.
   */
  constructor(chip: Chip, failure: BootFailure, sinceMs: number) {
    const inRom = failure === 'no-bootloader';
    const romWatchdog = chip.name === 'esp32' ? 'rtc-watchdog-system' : 'task-watchdog';
    this.resetReason = inRom ? romWatchdog : 'software';
    this.#periodMs = inRom ? ROM_TRIES_MS : BOOT_MS;
    this.#sinceMs = sinceMs;
  }

  /** Rounds after the first, up to now. */
  resetsUntil(nowMs: number): number {
    return Math.floor((nowMs - this.#sinceMs) / this.#periodMs);
  }
}
