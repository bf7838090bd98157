import {
  DELTA_FORMAT,
  measurementOf,
  type Offer,
  type OfferedDelta,
  type ReportCode,
} from '../../src/device/messages.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { DeltaIntake, measureBase } from './delta-intake.ts';
import { clearDownloadNote, readDownloadNote, writeDownloadNote } from './download-note.ts';
import type { EspResult } from './esp-error.ts';
import { markInvalid, markValid, type OtaUpdate, otaBegin, otaResume, setBootPartition } from './ota.ts';
import type { RtcMemory } from './rtc-memory.ts';
import { nextUpdatePartition, type RunningApp, stateOfPartition } from './running-app.ts';
import { describeSlot, sha256OfSlot } from './slot-verdict.ts';
import { judgeUpdate } from './update-verdict.ts';

export interface Refusal {
  readonly code: ReportCode;
  readonly message: string;
}

/** Why an offered delta is of no use: a DeltaRefusalCode, or one of its own. */
export interface DeltaUseless {
  readonly code: string;
  readonly message: string;
}

export interface UpdateBegun {
  /** Bytes of the image that are there from before a reset. */
  readonly writtenBytes: number;
  readonly durationMs: number;
}

/**
 * The inactive slot, as the application uses it: refuse early, write in order, verify, switch, confirm.
 *
 * The order is the safety: nothing points at the slot before every byte of it has been verified.
 */
export class UpdateSlot {
  readonly #app: RunningApp;
  readonly #runningDigest: string;
  readonly #rtc: RtcMemory;
  #update: OtaUpdate | undefined;
  #offer: Offer | undefined;

  constructor(app: RunningApp, runningDigest: string, rtc: RtcMemory) {
    this.#app = app;
    this.#runningDigest = runningDigest;
    this.#rtc = rtc;
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
    if (measurementOf(offer) === this.#runningDigest)
      return { code: 'already-running', message: 'this image runs already' };
    return undefined;
  }

  /** Prepares the slot, which is erased sector by sector as it is written; goes on where a reset stopped the same image. */
  begin(offer: Offer): UpdateBegun | Refusal {
    const partition = nextUpdatePartition(this.#app);
    if (partition === undefined) return { code: 'too-large', message: 'there is no second slot' };
    const note = readDownloadNote(this.#rtc);
    const same = note?.digest === offer.digest && note.sizeBytes === offer.sizeBytes;
    const begun = this.#open(same && note.slotOffset === partition.offset ? note.writtenBytes : 0);
    this.#offer = offer;
    return begun;
  }

  /**
   * Prepares the slot for an image that a delta makes; see DeltaIntake. Nothing is noted of it, and what was noted
   * of a download before is forgotten, for this one writes over it.
   */
  beginDelta(
    offer: Offer,
    delta: OfferedDelta,
  ): { readonly intake: DeltaIntake; readonly durationMs: number } | DeltaUseless {
    if (delta.format !== DELTA_FORMAT)
      return { code: 'unsupported-format', message: `the delta is ${delta.format}, not ${DELTA_FORMAT}` };
    const base = measureBase(this.#app);
    if (base?.measurement !== delta.from)
      return {
        code: 'wrong-base',
        message: `the delta is from ${delta.from}, this is ${base?.measurement ?? 'no whole image'}`,
      };
    clearDownloadNote(this.#rtc);
    const begun = this.#open(0);
    if ('code' in begun) return begun;
    const write = (bytes: Uint8Array): number | undefined => {
      const written = this.#update?.write(bytes, true);
      return written?.ok === true ? written.durationMs : undefined;
    };
    return { intake: new DeltaIntake(base, offer, write), durationMs: begun.durationMs };
  }

  /**
   * Writes the next bytes; nobody may ever change them. Returns how long the flash is busy, in ms.
   *
   * What was written before is noted first: after a reset in the middle of this write, it is still true.
   */
  write(bytes: Uint8Array): number | Refusal {
    const update = this.#update;
    if (update === undefined || this.#offer === undefined) return NOT_OPEN;
    const { partition, writtenBytes } = update;
    writeDownloadNote(this.#rtc, { ...this.#offer, slotOffset: partition.offset, writtenBytes });
    const result = update.write(bytes, true);
    if (result.ok) return result.durationMs;
    clearDownloadNote(this.#rtc);
    const code = result.error === 'ESP_ERR_OTA_VALIDATE_FAILED' ? 'image-invalid' : 'flash-error';
    return { code, message: `the flash refused the write (${result.error})` };
  }

  /** Verifies what was written and makes it the next to boot. Returns how long that takes, in ms. */
  finish(offer: Offer): number | Refusal {
    const update = this.#update;
    this.#update = undefined;
    clearDownloadNote(this.#rtc);
    if (update === undefined) return NOT_OPEN;
    const { partition } = update;
    const ended = update.end();
    const fault = this.#faultOf(offer, partition, ended);
    if (fault !== undefined) return fault;
    const bootsWithoutConfirm = offer.bootsWithoutConfirm > 1 ? offer.bootsWithoutConfirm : undefined;
    const switched = setBootPartition(this.#app, partition, bootsWithoutConfirm);
    return switched.ok ? ended.durationMs + switched.durationMs : flashRefusal(switched);
  }

  /** What keeps the slot from being the offered image, though every byte of it was taken; undefined when nothing does. */
  #faultOf(offer: Offer, partition: Partition, ended: EspResult): Refusal | undefined {
    const { flash } = this.#app;
    const verdict = judgeUpdate(this.#app, partition);
    if (!verdict.ok && verdict.refusal.code === 'not-trusted')
      return { code: 'not-trusted', message: verdict.refusal.message };
    if (!verdict.ok || !ended.ok) {
      const why = ended.ok ? '' : ended.error;
      return { code: 'image-invalid', message: `what was written is no valid image (${why})` };
    }
    const { measurement, imageLength } = verdict.value;
    const whole =
      imageLength === offer.sizeBytes ? measurement : sha256OfSlot(flash, partition, offer.sizeBytes);
    if (`sha256:${whole}` !== offer.digest)
      return { code: 'digest-mismatch', message: `sha256:${whole} was written, ${offer.digest} offered` };
    const wanted = measurementOf(offer);
    return `sha256:${measurement}` === wanted
      ? undefined
      : { code: 'digest-mismatch', message: `measures sha256:${measurement}, ${wanted} was offered` };
  }

  #open(writtenBytes: number): UpdateBegun | Refusal {
    const partition = nextUpdatePartition(this.#app);
    if (partition === undefined) return { code: 'too-large', message: 'there is no second slot' };
    this.#update?.abort();
    this.#update = undefined;
    this.#offer = undefined;
    const begun =
      writtenBytes > 0
        ? otaResume(this.#app, partition, writtenBytes, 'sequential')
        : otaBegin(this.#app, partition, 'sequential');
    if (!begun.ok) return flashRefusal(begun);
    this.#update = begun.value;
    return { writtenBytes, durationMs: begun.durationMs };
  }

  /** esp_ota_mark_app_valid_cancel_rollback. */
  confirm(): EspResult {
    return markValid(this.#app);
  }

  /** esp_ota_mark_app_invalid_rollback_and_reboot, up to the reboot; fails when there is nothing to go back to. */
  giveUp(): EspResult {
    return markInvalid(this.#app);
  }

  get secureVersion(): number {
    return describeSlot(this.#app.flash, this.#app.partition)?.secureVersion ?? 0;
  }
}

type Failed = Extract<EspResult, { ok: false }>;

const NOT_OPEN: Refusal = { code: 'flash-error', message: 'no update is open' };

function flashRefusal(result: Failed): Refusal {
  const code: ReportCode = result.error === 'ESP_ERR_OTA_SMALL_SEC_VER' ? 'downgrade' : 'flash-error';
  return { code, message: `ESP-IDF answered ${result.error}` };
}
