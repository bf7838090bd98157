import type { Delivery } from '../../src/kube/device.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { FetchedDelta } from '../../src/oci/fetch-delta.ts';
import type { FirmwareTarget } from '../../src/oci/firmware-target.ts';
import type { Conversation } from './conversation.ts';
import type { JobFirmware } from './job-firmware.ts';

/** Offers with a delta, after which a device that did not get it done is offered the image alone. */
const DELTA_OFFERS_MAX = 4;

/**
 * What one device is sent: the image, or before it a delta from what the device proved to run.
 *
 * A device whose delta came to nothing is not offered another one in this update, whoever its agent is.
 */
export class Deliveries {
  readonly #firmware: JobFirmware;
  readonly #conversation: Conversation;
  readonly #before: Delivery | undefined;
  #deltaFrom: string | undefined;
  #whyFull: string | undefined;
  /** Set for good once a delta was tried and came to nothing. */
  #isSpent = false;

  /** `before`: what the update's delivery came to so far, told by the twin. */
  constructor(firmware: JobFirmware, conversation: Conversation, before: Delivery | undefined) {
    this.#firmware = firmware;
    this.#conversation = conversation;
    this.#before = before;
    this.#deltaFrom = before?.deltaFrom;
    this.#whyFull = before?.whyFull;
    this.#isSpent = this.#deltaFrom !== undefined && this.#whyFull !== undefined;
  }

  /** As it stands on the twin. */
  get soFar(): Delivery {
    const { sentBytes, deltaRefusal } = this.#conversation;
    const whyFull = deltaRefusal ?? this.#whyFull;
    return {
      imageBytes: (this.#before?.imageBytes ?? 0) + sentBytes.image,
      deltaBytes: (this.#before?.deltaBytes ?? 0) + sentBytes.delta,
      ...(this.#deltaFrom !== undefined && { deltaFrom: this.#deltaFrom }),
      ...(whyFull !== undefined && { whyFull }),
    };
  }

  /** Serves the delta that a former agent offered. */
  async takeUp(target: FirmwareTarget): Promise<void> {
    if (this.#isSpent || this.#deltaFrom === undefined) return;
    const found = await this.#firmware.delta(target, this.#deltaFrom as Digest);
    if (typeof found !== 'string') this.#conversation.serve('delta', found.delta);
  }

  /**
   * The delta to offer to a device that runs `running`; undefined: the image alone.
   *
   * `offers` were made before this one.
   */
  async chooseDelta(
    target: FirmwareTarget,
    running: string,
    offers: number,
  ): Promise<FetchedDelta | undefined> {
    if (this.#deltaFrom !== undefined && !this.#isSpent) {
      this.#whyFull = this.#whyNoMore(offers);
      this.#isSpent = this.#whyFull !== undefined;
    }
    if (this.#isSpent) return undefined;
    const found = await this.#firmware.delta(target, running as Digest);
    this.#whyFull = typeof found === 'string' ? found : undefined;
    if (typeof found === 'string') return undefined;
    this.#deltaFrom = found.from;
    return found;
  }

  #whyNoMore(offers: number): string | undefined {
    const { deltaRefusal, transfer } = this.#conversation;
    if (deltaRefusal !== undefined) return deltaRefusal;
    if (transfer.state === 'failed') return `the update by delta failed: ${transfer.code}`;
    return offers < DELTA_OFFERS_MAX ? undefined : `${offers} offers with a delta came to nothing`;
  }
}
