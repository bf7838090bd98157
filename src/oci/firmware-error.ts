import type { Refusal, RefusalCode } from './refusal.ts';
import { RegistryError, type RegistryErrorCode } from './registry-error.ts';

/** Where on its way from the registry to the agent an image was stopped. */
export type FirmwareHop = 'reference' | 'resolve' | 'index' | 'manifest' | 'config' | 'layer' | 'image';

export type FirmwareErrorCode =
  | RegistryErrorCode
  | RefusalCode
  /** The index has no entry for this chip, or none that fits the board. */
  | 'no-image-for-chip'
  /** Several entries may fit; they differ in something that is not known of the board. */
  | 'ambiguous-target'
  /** The image's header names another chip than the entry it was found under. */
  | 'wrong-chip'
  /** The bytes do not start as an ESP-IDF app image does. */
  | 'not-an-app-image'
  /** The image is broken inside: its checksum, hash or layout is wrong, though its digest is right. */
  | 'damaged-image'
  /** The manifest promises another measurement, chip or need than the image or its index entry has. */
  | 'false-annotation'
  /** The manifest does not hold exactly one image where the house looks for it. */
  | 'no-app-image';

/** Firmware that did not reach the agent. Match on `code` and `hop`; nothing was handed to a device. */
export class FirmwareError extends Error {
  override readonly name = 'FirmwareError';
  readonly hop: FirmwareHop;
  readonly code: FirmwareErrorCode;
  /** Whether trying again may help without anything being changed by hand. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(hop: FirmwareHop, code: FirmwareErrorCode, message: string, cause?: RegistryError) {
    super(`${hop}: ${message}`, cause === undefined ? undefined : { cause });
    this.hop = hop;
    this.code = code;
    this.retryable = cause?.retryable ?? false;
    this.retryAfterMs = cause?.retryAfterMs;
  }

  static ofRefusal(hop: FirmwareHop, refusal: Refusal): FirmwareError {
    return new FirmwareError(hop, refusal.code, refusal.message);
  }
}

/** Runs one hop; a registry's error comes out as a FirmwareError that names the hop. */
export async function atHop<T>(hop: FirmwareHop, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RegistryError) throw new FirmwareError(hop, error.code, error.message, error);
    throw error;
  }
}
