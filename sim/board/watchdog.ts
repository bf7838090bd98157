import type { ResetReason } from './reset-reason.ts';

/** A timer that resets the chip unless whatever it guards keeps feeding it. */
export interface Watchdog {
  readonly timeoutMs: number;
  /** What the next boot reads as its reset reason. */
  readonly bitesAs: ResetReason;
}

/**
 * The watchdogs of a chip, by what they guard. One that is fed costs nothing: only a hang sets a timer.
 *
 * - `tasks`: ESP-IDF's task watchdog, with its panic on. Source: CONFIG_ESP_TASK_WDT_TIMEOUT_S, default 5.
 * - `interrupts`: ESP-IDF's interrupt watchdog. Source: CONFIG_ESP_INT_WDT_TIMEOUT_MS, default 300.
 * - `bootloader`: the RTC watchdog, which resets the whole chip. Source: CONFIG_BOOTLOADER_WDT_TIME_MS, default 9000;
 *   bootloader_init.c.
 */
export const WATCHDOGS = {
  tasks: { timeoutMs: 5_000, bitesAs: 'task-watchdog' },
  interrupts: { timeoutMs: 300, bitesAs: 'interrupt-watchdog' },
  bootloader: { timeoutMs: 9_000, bitesAs: 'rtc-watchdog-system' },
} as const satisfies Readonly<Record<string, Watchdog>>;

/** What no longer happens while an application hangs: its tasks run, or even its interrupts are served. */
export type Hang = 'tasks' | 'interrupts';
