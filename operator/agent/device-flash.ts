import { DELTA_FORMAT } from '../../src/device/messages.ts';
import type { SessionId } from '../../src/device/topics.ts';
import type {
  DeviceUpdateAction,
  DeviceUpdateView,
  Evidence,
  FirmwareState,
} from '../../src/flashjob/device-update-view.ts';
import { DEVICE, type Device, type DeviceUpdate } from '../../src/kube/device.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { FlashJob } from '../../src/kube/flash-job.ts';
import { chipOfArchitecture } from '../../src/oci/chip.ts';
import type { Random } from '../../src/random/random.ts';
import { clockMsOf, timestamp } from '../../src/time/clock.ts';
import { parseDurationMs } from '../../src/time/duration.ts';
import type { Deciders, OperatorPorts } from '../ports.ts';
import { Backoff } from '../runtime/backoff.ts';
import {
  changeStatus,
  evidenceChange,
  refusalOf,
  type StatusChange,
  updateChange,
  updateOf,
} from '../twin.ts';
import type { Verifier } from '../verifier.ts';
import { Bell } from './bell.ts';
import { isLive } from './claim.ts';
import { Conversation } from './conversation.ts';
import { Deliveries } from './deliveries.ts';
import { type JobFirmware, targetOf } from './job-firmware.ts';

/** What the devices of one job share. */
export interface JobContext {
  readonly ports: OperatorPorts;
  readonly decide: Deciders['decideDeviceUpdate'];
  readonly verifier: Verifier;
  readonly firmware: JobFirmware;
  readonly order: string;
  /** The job as it is now. */
  readonly job: () => FlashJob;
  /** When it aborts, whoever aborted it rings every flash. */
  readonly signal: AbortSignal;
}

const DEADLINE_MS = 1_800_000;
/** Whoever says something listens for at least this long before the next decision, unless an answer comes. */
const LISTEN_MS = 1_000;
const NO_CHIP: FirmwareState = {
  kind: 'pending',
  problem: 'the chip of the device is not known',
  isCorrupt: false,
};

/**
 * Brings one device to its outcome: looks at everything, asks the decider for one step, does it, looks again.
 *
 * The twin holds what must survive the agent (the claim, the phase, the conversation); the rest is found
 * out again from the device. Any write that meets a newer twin is thrown away and decided anew.
 */
export class DeviceFlash {
  readonly #context: JobContext;
  readonly #name: string;
  readonly #random: Random;
  readonly #bell: Bell;
  readonly #backoff: Backoff;
  /** As last read; evidence that comes while it is out of date is still judged by it. */
  #device: Device | undefined;
  #isOutOfDate = true;
  #conversation: Conversation | undefined;
  #deliveries: Deliveries | undefined;
  #challenge: DeviceUpdateView['challenge'];
  #evidence: Evidence | undefined;
  /** Evidence that the twin does not show yet. */
  #unwritten: Evidence | undefined;
  #attempts = 0;
  #writtenAtMs: number | undefined;
  #bootsBefore: number | undefined;
  #rebootOrderedAtMs: number | undefined;

  constructor(context: JobContext, name: string) {
    this.#context = context;
    this.#name = name;
    this.#random = context.ports.random.split(`device/${name}/${context.ports.clock.nowMs}`);
    this.#bell = new Bell(context.ports.clock);
    this.#backoff = new Backoff(this.#random, { firstMs: 500, maxMs: 30_000 });
  }

  /** Makes the flash look again at once. */
  ring(): void {
    this.#bell.ring();
  }

  /** Settles with `done` when the device has its outcome, with `later` when it has to wait for others. */
  async run(): Promise<'done' | 'later'> {
    try {
      while (!this.#context.signal.aborted) {
        try {
          const end = await this.#step();
          if (end !== undefined) return end;
          this.#backoff.reset();
        } catch (error) {
          if (!isKubeError(error)) throw error;
          this.#isOutOfDate = true;
          if (error.reason !== 'Conflict') await this.#bell.wait(this.#backoff.nextMs());
        }
      }
      return 'later';
    } finally {
      this.#conversation?.close();
    }
  }

  async #step(): Promise<'done' | 'later' | undefined> {
    const { ports, order, job, decide } = this.#context;
    const device = this.#isOutOfDate ? await this.#read() : this.#device;
    if (device === undefined) return 'done';
    const mine = updateOf(device, job().metadata.uid, order);
    if (mine?.phase === 'Settled') return 'done';
    this.#connect(device, mine);
    const view = await this.#observe(device, mine);
    const action = decide(view);
    const { clock } = ports;
    switch (action.kind) {
      case 'leave':
        return 'later';
      case 'wait':
        // Nobody rings when a device is discovered: until it is, the twin is read again.
        if (!view.hasStation) this.#isOutOfDate = true;
        await this.#bell.wait(Math.max(1, action.untilMs - clock.nowMs));
        return undefined;
      case 'claim':
        await this.#write(device, this.#newUpdate());
        return undefined;
      case 'challenge':
        this.#ask(device);
        await this.#bell.wait(LISTEN_MS);
        return undefined;
      case 'offer':
        await this.#offer(device, mine ?? this.#newUpdate(), view, action.isFresh);
        await this.#bell.wait(LISTEN_MS);
        return undefined;
      case 'mark-rebooting':
        this.#writtenAtMs =
          view.transfer.state === 'written' ? clock.nowMs : (this.#evidence?.atMs ?? clock.nowMs);
        // It was heard of: what it left unanswered before says nothing about how soon it answers now.
        this.#challenge = undefined;
        await this.#write(device, {
          ...(mine ?? this.#newUpdate()),
          phase: 'Rebooting',
          attempts: this.#attempts,
          ...this.#delivered(mine),
        });
        return undefined;
      case 'reboot':
        this.#rebootOrderedAtMs = clock.nowMs;
        this.#conversation?.reboot(action.reason);
        return undefined;
      case 'settle':
        await this.#settle(device, mine ?? this.#newUpdate(), action);
        return 'done';
    }
  }

  async #read(): Promise<Device | undefined> {
    const { kube } = this.#context.ports;
    const namespace = this.#context.job().metadata.namespace ?? 'default';
    try {
      this.#device = await kube.get(DEVICE, { namespace, name: this.#name });
      this.#isOutOfDate = false;
      return this.#device;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Listens to the station of a device that is ours, and takes up what a former agent left. */
  #connect(device: Device, mine: DeviceUpdate | undefined): void {
    const { ports, firmware } = this.#context;
    const station = device.status?.station;
    if (mine === undefined || station === undefined) return;
    if (this.#conversation?.station !== station) {
      this.#conversation?.close();
      this.#conversation = new Conversation(ports, station, {
        onChange: () => this.#bell.ring(),
        onEvidence: (session, evidence) => this.#hearEvidence(session, evidence),
      });
      this.#attempts = Math.max(this.#attempts, mine.attempts);
      this.#bootsBefore ??= device.status?.attested?.bootCount;
      const delivered = this.#deliveries?.soFar ?? mine.delivery;
      this.#deliveries = new Deliveries(firmware, this.#conversation, delivered);
      if (mine.phase === 'Transferring' && mine.session !== undefined) {
        this.#conversation.resume(mine.session);
        if (device.status?.chip !== undefined)
          void this.#deliveries.takeUp(targetOf(device, device.status.chip));
      }
      if (mine.phase === 'Rebooting') this.#writtenAtMs ??= ports.clock.nowMs;
    }
    if (mine.phase !== 'Transferring' || device.status?.chip === undefined) return;
    const target = targetOf(device, device.status.chip);
    const state = firmware.state(target);
    const image = firmware.image(target)?.image;
    if (state.kind === 'ready' && state.digest === mine.digest && image !== undefined)
      this.#conversation.serve('image', image);
  }

  async #observe(device: Device, mine: DeviceUpdate | undefined): Promise<DeviceUpdateView> {
    const { ports, job, firmware } = this.#context;
    const { spec } = job();
    const evidence = this.#evidence;
    const chip = evidence?.result === 'accepted' ? evidence.chip : device.status?.chip;
    const held = device.status?.update;
    const isHeld = mine === undefined && held !== undefined && (await isLive(ports.kube, held, job()));
    const startedMs = mine === undefined ? undefined : clockMsOf(ports.clock, mine.startedAt);
    const barrier = barrierOf(device);
    const misfit = misfitOf(spec, chip, device.status?.station);
    const refusal = refusalOf(ports.clock, device);
    const conversation = this.#conversation;
    return {
      nowMs: ports.clock.nowMs,
      claim: mine !== undefined ? 'mine' : isHeld ? 'other' : 'none',
      phase: mine === undefined || mine.phase === 'Settled' ? 'Claimed' : mine.phase,
      attempts: this.#attempts,
      deadlineMs:
        startedMs === undefined
          ? Number.POSITIVE_INFINITY
          : startedMs + (parseDurationMs(spec.deviceDeadline ?? '') ?? DEADLINE_MS),
      hasStation: conversation !== undefined,
      isPaused: spec.paused === true,
      isCancelled: spec.cancelled === true,
      firmware: chip === undefined ? NO_CHIP : firmware.state(targetOf(device, chip)),
      transfer: conversation?.transfer ?? IDLE,
      ...(barrier !== undefined && { barrier }),
      ...(misfit !== undefined && { misfit }),
      ...(refusal !== undefined && { refusal }),
      ...(conversation?.link !== undefined && { link: conversation.link }),
      ...(this.#challenge !== undefined && { challenge: this.#challenge }),
      ...(evidence !== undefined && { evidence }),
      ...(this.#writtenAtMs !== undefined && { writtenAtMs: this.#writtenAtMs }),
      ...(this.#bootsBefore !== undefined && { bootsBefore: this.#bootsBefore }),
      ...(this.#rebootOrderedAtMs !== undefined && { rebootOrderedAtMs: this.#rebootOrderedAtMs }),
    };
  }

  #ask(device: Device): void {
    const { verifier, ports } = this.#context;
    const station = this.#conversation?.station ?? device.status?.station;
    const unanswered = this.#challenge?.unanswered ?? 0;
    this.#challenge = { sentAtMs: ports.clock.nowMs, unanswered: unanswered + 1 };
    if (station !== undefined) verifier.ask(station);
    // A device that keeps silent may have moved to another station.
    if (unanswered > 0) this.#isOutOfDate = true;
  }

  #hearEvidence(session: SessionId, payload: Uint8Array): void {
    const device = this.#device;
    const station = this.#conversation?.station;
    if (device === undefined || station === undefined) return;
    const evidence = this.#context.verifier.judge(device, station, session, payload);
    if (evidence === undefined) return;
    this.#evidence = evidence;
    this.#unwritten = evidence;
    if (this.#challenge !== undefined) this.#challenge = { ...this.#challenge, unanswered: 0 };
    this.#bell.ring();
  }

  /** The twin says that the device is offered the image before the device hears of it. */
  async #offer(
    device: Device,
    mine: DeviceUpdate,
    { evidence, firmware: state }: DeviceUpdateView,
    isFresh: boolean,
  ): Promise<void> {
    const chip = evidence?.result === 'accepted' ? evidence.chip : device.status?.chip;
    const deliveries = this.#deliveries;
    if (chip === undefined || state.kind !== 'ready' || deliveries === undefined) return;
    const target = targetOf(device, chip);
    const found = this.#context.firmware.image(target);
    if (found === undefined) return;
    const running = evidence?.result === 'accepted' ? evidence.state.digest : '';
    const delta = await deliveries.chooseDelta(target, running, this.#attempts);
    const continued = isFresh ? undefined : mine.session;
    const session = continued ?? `u${Buffer.from(this.#random.bytes(8)).toString('hex')}`;
    const attempts = this.#attempts + 1;
    if (continued === undefined) {
      if (evidence?.result === 'accepted') this.#bootsBefore = evidence.state.bootCount;
      const { digest } = state;
      const delivery = deliveries.soFar;
      await this.#write(device, { ...mine, phase: 'Transferring', digest, session, attempts, delivery });
    }
    this.#attempts = attempts;
    const { image, imageDigest, meta } = found;
    const { version, applicationType } = this.#context.job().spec;
    this.#conversation?.offer(
      {
        session,
        application: meta?.application ?? applicationType ?? '',
        version: meta?.version ?? version,
        chip: meta?.chip ?? chipOfArchitecture(chip),
        sizeBytes: image.length,
        digest: imageDigest,
        ...(state.digest !== imageDigest && { measurement: state.digest }),
        secureVersion: meta?.secureVersion ?? 0,
        bootsWithoutConfirm: meta?.bootsWithoutConfirm ?? 1,
        ...(delta !== undefined && {
          delta: {
            from: delta.from,
            digest: delta.deltaDigest,
            sizeBytes: delta.delta.length,
            format: DELTA_FORMAT,
          },
        }),
      },
      image,
      delta?.delta,
    );
  }

  async #settle(
    device: Device,
    mine: DeviceUpdate,
    { outcome, message }: Extract<DeviceUpdateAction, { kind: 'settle' }>,
  ): Promise<void> {
    const { session: _, ...rest } = mine;
    await this.#write(device, {
      ...rest,
      phase: 'Settled',
      attempts: this.#attempts,
      ...this.#delivered(mine),
      finishedAt: timestamp(this.#context.ports.clock),
      outcome,
      message,
    });
  }

  /** How many bytes that took, once something was offered. */
  #delivered(mine: DeviceUpdate | undefined): Pick<DeviceUpdate, 'delivery'> {
    if (mine?.delivery === undefined || this.#deliveries === undefined) return {};
    return { delivery: this.#deliveries.soFar };
  }

  /** Writes the update and, in the same patch, what was proved since the last write. */
  async #write(device: Device, update: DeviceUpdate): Promise<void> {
    const { kube, clock } = this.#context.ports;
    const proved: StatusChange =
      this.#unwritten === undefined ? {} : evidenceChange(clock, device, this.#unwritten);
    this.#device = await changeStatus(kube, device, { ...proved, ...updateChange(device, update) });
    this.#unwritten = undefined;
  }

  #newUpdate(): DeviceUpdate {
    const { job, order, ports } = this.#context;
    const { namespace = 'default', name, uid } = job().metadata;
    return {
      jobNamespace: namespace,
      jobName: name,
      jobUid: uid,
      order,
      digest: '',
      phase: 'Claimed',
      attempts: 0,
      startedAt: timestamp(ports.clock),
    };
  }
}

const IDLE = { state: 'none', offeredAtMs: 0, heardAtMs: 0, unanswered: 0, failures: 0 } as const;

function barrierOf({ spec }: Device): string | undefined {
  if (spec.quarantined === true) return 'the device is quarantined';
  if (spec.revoked === true) return 'the device is revoked';
  if (spec.udsPublicKey === undefined) return 'the device is not enrolled: it has no udsPublicKey';
  return undefined;
}

function misfitOf(
  spec: FlashJob['spec'],
  chip: string | undefined,
  station: string | undefined,
): string | undefined {
  const wantedChip = spec.device ?? '';
  if (wantedChip !== '' && chip !== undefined && chipOfArchitecture(chip) !== chipOfArchitecture(wantedChip))
    return `the device is an ${chip}, the job is for ${wantedChip}`;
  const wantedStation = spec.hostEndpoint ?? '';
  if (wantedStation !== '' && station !== undefined && station !== wantedStation)
    return `the device is at ${station}, the job is for ${wantedStation}`;
  return undefined;
}
