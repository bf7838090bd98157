import type { Offer, ReportCode } from '../../src/device/messages.ts';
import type { EspResult } from './esp-error.ts';
import { markInvalid, markValid, type OtaUpdate, otaBegin, setBootPartition } from './ota.ts';
import { nextUpdatePartition, type RunningApp, stateOfPartition } from './running-app.ts';
import { describeSlot, measureSlot } from './slot-verdict.ts';

export interface Refusal {
  readonly code: ReportCode;
  readonly message: string;
}

/**
 * The inactive slot, as the application uses it: refuse early, write in order, verify, switch, confirm.
 *
 * The order is the safety: nothing points at the slot before every byte of it has been verified.
 */
export class UpdateSlot {
  readonly #app: RunningApp;
  readonly #runningDigest: string;
  #update: OtaUpdate | undefined;

  constructor(app: RunningApp, runningDigest: string) {
    this.#app = app;
    this.#runningDigest = runningDigest;
  }

  /** The running image is not confirmed: the next reset may be its last. */
  get onProbation(): boolean {
    const state = stateOfPartition(this.#app, this.#app.partition);
    return state === 'PENDING_VERIFY' || state === 'NEW';
  }

  /** What speaks against an offer before a byte of it is asked for; undefined when nothing does. */
  refuse(offer: Offer): Refusal | undefined {
    const { chip, secureVersion } = this.#app.efuse;
    const partition = nextUpdatePartition(this.#app);
    if (offer.chip !== chip.name)
      return { code: 'wrong-chip', message: `the image is for ${offer.chip}, this is an ${chip.name}` };
    if (partition === undefined || partition === this.#app.partition || offer.sizeBytes > partition.size)
      return {
        code: 'too-large',
        message: `${offer.sizeBytes} bytes do not fit a slot of ${partition?.size ?? 0} bytes`,
      };
    if (offer.secureVersion < secureVersion)
      return {
        code: 'downgrade',
        message: `secure version ${offer.secureVersion} is below ${secureVersion}, which is burnt`,
      };
    if (this.onProbation)
      return { code: 'not-confirmed-yet', message: 'the running image is still on probation' };
    if (offer.digest === this.#runningDigest)
      return { code: 'already-running', message: 'this image runs already' };
    return undefined;
  }

  /** Prepares the slot; it is erased sector by sector as it is written. */
  begin(): Refusal | undefined {
    const partition = nextUpdatePartition(this.#app);
    if (partition === undefined) return { code: 'too-large', message: 'there is no second slot' };
    this.#update?.abort();
    const begun = otaBegin(this.#app, partition, 'sequential');
    if (!begun.ok) return flashRefusal(begun);
    this.#update = begun.value;
    return undefined;
  }

  /** Writes the next bytes; nobody may ever change them. Returns how long the flash is busy, in ms. */
  write(bytes: Uint8Array): number | ReportCode {
    const result = this.#update?.write(bytes, true);
    if (result?.ok !== true)
      return result?.error === 'ESP_ERR_OTA_VALIDATE_FAILED' ? 'image-invalid' : 'flash-error';
    return result.durationMs;
  }

  /** Verifies what was written and makes it the next to boot. Returns how long that takes, in ms. */
  finish(offer: Offer): number | Refusal {
    const update = this.#update;
    this.#update = undefined;
    if (update === undefined) return { code: 'flash-error', message: 'no update is open' };
    const { partition } = update;
    const ended = update.end();
    if (!ended.ok)
      return { code: 'image-invalid', message: `what was written is no valid image (${ended.error})` };
    const measured = measureSlot(this.#app.flash, this.#app.efuse, partition);
    if (`sha256:${measured ?? ''}` !== offer.digest)
      return {
        code: 'digest-mismatch',
        message: `measured sha256:${measured ?? ''}, offered ${offer.digest}`,
      };
    const bootsWithoutConfirm = offer.bootsWithoutConfirm > 1 ? offer.bootsWithoutConfirm : undefined;
    const switched = setBootPartition(this.#app, partition, bootsWithoutConfirm);
    return switched.ok ? ended.durationMs + switched.durationMs : flashRefusal(switched);
  }

  /** esp_ota_mark_app_valid_cancel_rollback. */
  confirm(): boolean {
    return markValid(this.#app).ok;
  }

  /** esp_ota_mark_app_invalid_rollback_and_reboot, up to the reboot; false when there is nothing to go back to. */
  giveUp(): boolean {
    return markInvalid(this.#app).ok;
  }

  get secureVersion(): number {
    return describeSlot(this.#app.flash, this.#app.partition)?.secureVersion ?? 0;
  }
}

function flashRefusal(result: Extract<EspResult, { ok: false }>): Refusal {
  const code: ReportCode = result.error === 'ESP_ERR_OTA_SMALL_SEC_VER' ? 'downgrade' : 'flash-error';
  return { code, message: `ESP-IDF answered ${result.error}` };
}
