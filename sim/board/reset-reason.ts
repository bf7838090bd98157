import type { Chip } from '../../src/esp/chips.ts';

/** Why a chip started, by the number its ROM gives it. Source: esp-idf, esp_rom, rtc.h. */
export const RESET_REASONS = {
  'power-on': 0x01,
  software: 0x03,
  'deep-sleep': 0x05,
  'task-watchdog': 0x07,
  'interrupt-watchdog': 0x08,
  'rtc-watchdog': 0x09,
  'software-cpu': 0x0c,
  'brown-out': 0x0f,
  'rtc-watchdog-system': 0x10,
} as const;
export type ResetReason = keyof typeof RESET_REASONS;

/** The ROM's own words; those of ESP32 differ from all later parts. Source: public boot logs, rtc.h. */
const ESP32_NAMES: Readonly<Record<ResetReason, string>> = {
  'power-on': 'POWERON_RESET',
  software: 'SW_RESET',
  'deep-sleep': 'DEEPSLEEP_RESET',
  'task-watchdog': 'TG0WDT_SYS_RESET',
  'interrupt-watchdog': 'TG1WDT_SYS_RESET',
  'rtc-watchdog': 'RTCWDT_SYS_RESET',
  'software-cpu': 'SW_CPU_RESET',
  'brown-out': 'RTCWDT_BROWN_OUT_RESET',
  'rtc-watchdog-system': 'RTCWDT_RTC_RESET',
};
const LATER_NAMES: Readonly<Record<ResetReason, string>> = {
  'power-on': 'POWERON',
  software: 'RTC_SW_SYS_RST',
  'deep-sleep': 'DSLEEP',
  'task-watchdog': 'TG0WDT_SYS_RST',
  'interrupt-watchdog': 'TG1WDT_SYS_RST',
  'rtc-watchdog': 'RTCWDT_SYS_RST',
  'software-cpu': 'RTC_SW_CPU_RST',
  'brown-out': 'BROWN_OUT_RST',
  'rtc-watchdog-system': 'RTCWDT_RTC_RST',
};

/** As the first line of a boot log has it: `rst:0x1 (POWERON)`. */
export function describeReset(chip: Chip, reason: ResetReason): string {
  const names = chip.name === 'esp32' ? ESP32_NAMES : LATER_NAMES;
  return `rst:0x${RESET_REASONS[reason].toString(16)} (${names[reason]})`;
}
