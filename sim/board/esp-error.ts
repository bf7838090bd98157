/** Error codes of ESP-IDF calls we answer with. Source: esp-idf, esp_err.h and esp_ota_ops.h (base 0x1500). */
export const ESP_ERRORS = {
  ESP_FAIL: -1,
  ESP_ERR_INVALID_ARG: 0x102,
  ESP_ERR_INVALID_SIZE: 0x104,
  ESP_ERR_NOT_FOUND: 0x105,
  ESP_ERR_OTA_PARTITION_CONFLICT: 0x1501,
  ESP_ERR_OTA_SELECT_INFO_INVALID: 0x1502,
  ESP_ERR_OTA_VALIDATE_FAILED: 0x1503,
  ESP_ERR_OTA_SMALL_SEC_VER: 0x1504,
  ESP_ERR_OTA_ROLLBACK_FAILED: 0x1505,
  ESP_ERR_OTA_ROLLBACK_INVALID_STATE: 0x1506,
  ESP_ERR_OTA_ALREADY_IN_PROGRESS: 0x1507,
} as const;
export type EspError = keyof typeof ESP_ERRORS;

/** Outcome of one call, and the time its flash commands and checks took, in ms, also when it failed. */
export type EspResult<T = undefined> =
  | { readonly ok: true; readonly value: T; readonly durationMs: number }
  | { readonly ok: false; readonly error: EspError; readonly durationMs: number };

export function succeed(durationMs: number): EspResult;
export function succeed<T>(durationMs: number, value: T): EspResult<T>;
export function succeed<T>(durationMs: number, value?: T): EspResult<T | undefined> {
  return { ok: true, value, durationMs };
}

export function fail(error: EspError, durationMs = 0): { ok: false; error: EspError; durationMs: number } {
  return { ok: false, error, durationMs };
}
