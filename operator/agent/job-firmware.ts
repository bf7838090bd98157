import { verifyAppImage } from '../../src/esp/app-image.ts';
import { CHIPS, isChipName } from '../../src/esp/chips.ts';
import type { FirmwareState } from '../../src/flashjob/device-update-view.ts';
import type { Device } from '../../src/kube/device.ts';
import { chipOfArchitecture } from '../../src/oci/chip.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { type FetchedDelta, fetchDelta } from '../../src/oci/fetch-delta.ts';
import { type ChipFirmware, fetchForChip, type ResolvedFirmware } from '../../src/oci/fetch-firmware.ts';
import { FirmwareError } from '../../src/oci/firmware-error.ts';
import type { FirmwareSource } from '../../src/oci/firmware-source.ts';
import type { FirmwareTarget } from '../../src/oci/firmware-target.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { Backoff } from '../runtime/backoff.ts';

export interface JobFirmwareOptions {
  /** Asks what the job's reference means and who signed that, and remembers the answers on the job; called until it succeeds. */
  readonly resolve: () => Promise<ResolvedFirmware>;
  /** Application that the firmware must hold; empty: any. */
  readonly application: string;
  /** Told when an image has arrived or will not. */
  readonly onChange: () => void;
}

interface Fetched {
  state: FirmwareState;
  firmware?: ChipFirmware;
}

/** A device waits this long for a delta that the registry is slow to give, then it gets the image. */
const DELTA_PATIENCE_MS = 20_000;
const FIRST = { kind: 'pending', problem: 'the image has not been asked for', isCorrupt: false } as const;

/** What firmware is chosen for a device by: its chip, and what its twin says of its hardware. */
export function targetOf(device: Device, chip: string): FirmwareTarget {
  return { chip, ...device.spec.hardware };
}

/** Equal for boards that get the same image; for those of which nothing but the chip is known, the chip. */
function nameOf({ chip, flashSizeBytes, chipRevision, keyIds }: FirmwareTarget): string {
  const known = [flashSizeBytes, chipRevision, keyIds?.toSorted()];
  return known.every((fact) => fact === undefined) ? chip : `${chip} ${JSON.stringify(known)}`;
}

/** The one firmware of a job: resolved once, then one verified image for each kind of board that turns up. */
export class JobFirmware {
  readonly #source: FirmwareSource;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: JobFirmwareOptions;
  readonly #signal: AbortSignal;
  readonly #targets = new Map<string, Fetched>();
  readonly #deltas = new Map<string, Promise<FetchedDelta | undefined>>();
  #resolved: Promise<ResolvedFirmware> | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly random: Random },
    source: FirmwareSource,
    options: JobFirmwareOptions,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#options = options;
    this.#signal = signal;
  }

  /** What is known of the image for such a board; the first question starts the fetch. */
  state(target: FirmwareTarget): FirmwareState {
    return this.#of(target).state;
  }

  /** The image, once the state is `ready`. */
  image(target: FirmwareTarget): ChipFirmware | undefined {
    return this.#of(target).firmware;
  }

  /**
   * The delta for such boards that run `from`, or why there is none for now, for people.
   *
   * Asked for once per base; a failure that may pass is forgotten, so the next device asks again.
   */
  async delta(target: FirmwareTarget, from: Digest): Promise<FetchedDelta | string> {
    const key = `${nameOf(target)} ${from}`;
    const asked = this.#deltas.get(key) ?? this.#fetchDelta(target, from);
    this.#deltas.set(key, asked);
    const waiting = new AbortController();
    const late = this.#clock.sleep(DELTA_PATIENCE_MS, waiting.signal).then(
      () => `the delta did not arrive within ${DELTA_PATIENCE_MS / 1000} s`,
      () => '',
    );
    try {
      const found = await Promise.race([asked, late]);
      if (found === undefined) return `the firmware has no delta from ${from}`;
      if (typeof found === 'string' || found.imageDigest === this.image(target)?.imageDigest) return found;
      return 'the delta makes another image than the one fetched';
    } catch (error) {
      const isFinal = error instanceof FirmwareError && !error.retryable;
      if (!isFinal && this.#deltas.get(key) === asked) this.#deltas.delete(key);
      return error instanceof FirmwareError ? `${error.code} at ${error.message}` : String(error);
    } finally {
      waiting.abort();
    }
  }

  async #fetchDelta(target: FirmwareTarget, from: Digest): Promise<FetchedDelta | undefined> {
    return fetchDelta(this.#source, await this.#resolve(), target, from);
  }

  #of(target: FirmwareTarget): Fetched {
    const name = nameOf(target);
    let fetched = this.#targets.get(name);
    if (fetched === undefined) {
      fetched = { state: FIRST };
      this.#targets.set(name, fetched);
      void this.#fetch(target, fetched);
    }
    return fetched;
  }

  async #fetch(target: FirmwareTarget, fetched: Fetched): Promise<void> {
    const backoff = new Backoff(this.#random.split(`fetch/${nameOf(target)}`), {
      firstMs: 2_000,
      maxMs: 60_000,
    });
    while (!this.#signal.aborted) {
      try {
        const firmware = await fetchForChip(this.#source, await this.#resolve(), target);
        fetched.state = this.#check(target.chip, firmware);
        if (fetched.state.kind === 'ready') fetched.firmware = firmware;
      } catch (error) {
        fetched.state = stateOfError(error);
      }
      this.#options.onChange();
      if (fetched.state.kind !== 'pending') return;
      await this.#clock.sleep(backoff.nextMs(), this.#signal).catch(() => undefined);
    }
  }

  /** One question for all chips; a failed one is forgotten, an answer is kept. */
  async #resolve(): Promise<ResolvedFirmware> {
    this.#resolved ??= this.#options.resolve();
    const asked = this.#resolved;
    try {
      return await asked;
    } catch (error) {
      if (this.#resolved === asked) this.#resolved = undefined;
      throw error;
    }
  }

  #check(chip: string, { image, measurement, meta }: ChipFirmware): FirmwareState {
    const { application } = this.#options;
    if (application !== '' && meta !== undefined && meta.application !== application)
      return {
        kind: 'failed',
        outcome: 'incompatible',
        message: `the firmware holds application ${meta.application}, the job asks for ${application}`,
      };
    const fault = faultOfImage(image, chip);
    if (fault !== undefined) return { kind: 'failed', ...fault };
    return {
      kind: 'ready',
      // A signature sector travels with the image and is not measured.
      digest: `sha256:${measurement}`,
      secureVersion: meta?.secureVersion ?? 0,
    };
  }
}

type Fault = { readonly outcome: 'incompatible' | 'bad-image'; readonly message: string };

/** By image: agents of one process share images, and each needs to be looked through once. */
const faults = new WeakMap<Uint8Array, Map<string, Fault | undefined>>();

function faultOfImage(image: Uint8Array, chipName: string): Fault | undefined {
  let known = faults.get(image);
  if (known === undefined) {
    known = new Map();
    faults.set(image, known);
  }
  if (known.has(chipName)) return known.get(chipName);
  const name = chipOfArchitecture(chipName);
  const chip = isChipName(name) ? CHIPS[name] : undefined;
  const verified = verifyAppImage(image, chip === undefined ? {} : { chip });
  const isMisfit = !verified.ok && /^(wrong-chip|chip-too)/.test(verified.refusal.code);
  const fault: Fault | undefined = verified.ok
    ? undefined
    : { outcome: isMisfit ? 'incompatible' : 'bad-image', message: verified.refusal.message };
  known.set(chipName, fault);
  return fault;
}

function stateOfError(error: unknown): FirmwareState {
  if (!(error instanceof FirmwareError)) {
    const problem = error instanceof Error ? error.message : String(error);
    return { kind: 'pending', problem, isCorrupt: false };
  }
  // Code and hop: the message of a FirmwareError begins with its hop.
  const problem = `${error.code} at ${error.message}`;
  const isMisfit = error.code === 'no-image-for-chip' || error.code === 'wrong-chip';
  if (isMisfit) return { kind: 'failed', outcome: 'incompatible', message: problem };
  if (!error.retryable) return { kind: 'failed', outcome: 'bad-image', message: problem };
  const isCorrupt = error.code === 'digest-mismatch' || error.code === 'size-mismatch';
  return { kind: 'pending', problem, isCorrupt };
}
