import type { Subscription } from '../../src/device/channel.ts';
import { EVIDENCE, parseTopic, type SessionId } from '../../src/device/topics.ts';
import type { Evidence } from '../../src/flashjob/device-update-view.ts';
import { BROKER_PROPERTY, type Instance } from '../../src/kube/akri.ts';
import { findCondition, reasonOfCode, setCondition } from '../../src/kube/condition.ts';
import type { Device, Impostor } from '../../src/kube/device.ts';
import { keyOf, keyText } from '../../src/kube/object.ts';
import { timestamp } from '../../src/time/clock.ts';
import { backoffMs } from '../runtime/backoff.ts';
import { Controller } from '../runtime/controller.ts';
import { changeStatus, evidenceChange, type StatusChange } from '../twin.ts';
import { Verifier } from '../verifier.ts';
import type { OperatorContext } from './context.ts';
import { instanceRef, twinKeyOf } from './inventory.ts';

/** Stations asked at once. */
const CONCURRENCY = 512;
/** Time a station has to answer. */
const ANSWER_MS = 10_000;
const SILENT = { firstMs: 20_000, maxMs: 600_000 };
const REFUSED = { firstMs: 120_000, maxMs: 3_600_000 };
const IMPOSTORS_MAX = 8;

/** What came of asking one Instance's station; forgotten with the operator, found out again by the next one. */
interface Inquiry {
  failures: number;
  nextMs: number;
  refused?: Extract<Evidence, { result: 'refused' }>;
}

/**
 * Finds out who stands behind each Instance: asks its station for evidence until some is accepted, and
 * binds the Instance to the twin then.
 *
 * An Instance whose evidence is refused while the twin has proved itself elsewhere is an impostor; one
 * that is alone in claiming the identity only shows on the twin as not attested, with the reason.
 */
export class Attestation {
  readonly controller: Controller;
  readonly #context: OperatorContext;
  readonly #verifier: Verifier;
  readonly #subscription: Subscription;
  readonly #waiting = new Map<SessionId, (evidence: Uint8Array) => void>();
  readonly #inquiries = new Map<string, Inquiry>();

  constructor(context: OperatorContext) {
    const { instances, devices, ports, deciders } = context;
    this.#context = context;
    this.#verifier = new Verifier(ports, deciders.appraise, 'attestation');
    this.controller = new Controller(
      ports,
      { name: 'attestation', concurrency: CONCURRENCY },
      [instances, devices],
      (key) => this.#reconcile(key),
    );
    // One subscription for all stations: evidence that others asked for is told apart by its session.
    this.#subscription = ports.channel.subscribe(EVIDENCE, (topic, payload) => {
      const heard = parseTopic(topic);
      if (heard?.kind === 'evidence') this.#waiting.get(heard.session)?.(payload);
    });
    instances.onChange((before, after) => {
      if (after === undefined && before !== undefined) {
        this.#inquiries.delete(before.metadata.uid);
        this.#enqueueClaims(before);
      } else if (after !== undefined) this.controller.enqueue(keyText(keyOf(after)));
    });
    devices.onChange((before, after) => {
      if (after !== undefined && concernsAttestation(before, after))
        for (const claim of instances.byIndex('ueid', after.spec.ueid))
          this.controller.enqueue(keyText(keyOf(claim)));
    });
  }

  close(): void {
    this.#subscription.end();
  }

  /** With one Instance gone another may stand for the device. */
  #enqueueClaims(gone: Instance): void {
    const ueid = gone.spec.brokerProperties?.[BROKER_PROPERTY.ueid]?.toLowerCase() ?? '';
    for (const claim of this.#context.instances.byIndex('ueid', ueid))
      this.controller.enqueue(keyText(keyOf(claim)));
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const { instances, devices, ports } = this.#context;
    const instance = instances.get(key);
    const station = instance?.spec.brokerProperties?.[BROKER_PROPERTY.endpoint];
    const twin = instance === undefined ? undefined : twinKeyOf(instance);
    const device = twin === undefined ? undefined : devices.get(twin);
    if (instance === undefined || device === undefined || station === undefined) return undefined;
    if (device.spec.udsPublicKey === undefined) {
      await this.#refuse(device, 'not-enrolled', 'the device has no udsPublicKey: enrol it');
      return undefined;
    }
    if (!this.#isDue(device, instance, station)) return undefined;
    const inquiry = this.#inquiries.get(instance.metadata.uid) ?? { failures: 0, nextMs: 0 };
    this.#inquiries.set(instance.metadata.uid, inquiry);
    const waitMs = inquiry.nextMs - ports.clock.nowMs;
    if (waitMs > 0) {
      // Meanwhile the twin may have proved itself elsewhere, which makes this one an impostor.
      if (inquiry.refused !== undefined) await this.#record(device, instance, station, inquiry.refused);
      return waitMs;
    }
    const evidence = await this.#ask(device, station);
    // The twin has moved on while the station was thinking.
    const twinNow = devices.get(keyText(keyOf(device))) ?? device;
    if (evidence?.result === 'accepted') {
      this.#inquiries.delete(instance.metadata.uid);
      await this.#bind(twinNow, instance, station, evidence);
      return undefined;
    }
    inquiry.failures += 1;
    const pace = evidence === undefined ? SILENT : REFUSED;
    inquiry.nextMs = ports.clock.nowMs + backoffMs(ports.random.split(`ask/${key}`), pace, inquiry.failures);
    if (evidence !== undefined) {
      inquiry.refused = evidence;
      await this.#record(twinNow, instance, station, evidence);
    }
    return inquiry.nextMs - ports.clock.nowMs;
  }

  /** Whether evidence from this Instance is wanted now. */
  #isDue(device: Device, instance: Instance, station: string): boolean {
    const { status } = device;
    const isBound = status?.instance?.uid === instance.metadata.uid;
    if (!isBound) return !(this.#isAlive(status?.instance?.uid) && status?.station === station);
    const isBusy = status.update !== undefined && status.update.phase !== 'Settled';
    if (isBusy) return false;
    return findCondition(status.conditions, 'Attested')?.status !== 'True' || isUncertain(device);
  }

  #isAlive(instanceUid: string | undefined): boolean {
    return instanceUid !== undefined && this.#context.instances.byIndex('uid', instanceUid).length > 0;
  }

  /** One question and its answer; undefined when none came in time. */
  async #ask(device: Device, station: string): Promise<Evidence | undefined> {
    const { clock } = this.#context.ports;
    const session = this.#verifier.ask(station);
    const answer = await new Promise<Uint8Array | undefined>((settle) => {
      const timer = clock.after(ANSWER_MS, () => settle(undefined));
      this.#waiting.set(session, (evidence) => {
        timer.cancel();
        settle(evidence);
      });
    });
    this.#waiting.delete(session);
    if (answer !== undefined) return this.#verifier.judge(device, station, session, answer);
    this.#verifier.forget(station);
    return undefined;
  }

  async #bind(
    device: Device,
    instance: Instance,
    station: string,
    evidence: Extract<Evidence, { result: 'accepted' }>,
  ): Promise<void> {
    const { ports } = this.#context;
    const { status } = device;
    const isElsewhere = status?.station !== undefined && status.station !== station;
    if (isElsewhere && this.#isAlive(status.instance?.uid)) {
      const message = `its evidence is good, but the device answers at ${status.station} as well`;
      await this.#record(device, instance, station, {
        atMs: ports.clock.nowMs,
        result: 'refused',
        code: 'duplicate-identity',
        message,
      });
      return;
    }
    const now = timestamp(ports.clock);
    const proved = evidenceChange(ports.clock, device, evidence);
    const online = {
      type: 'Online',
      status: 'True',
      reason: 'Discovered',
      message: 'a discovery lists it',
    } as const;
    const change: StatusChange = {
      ...proved,
      conditions: setCondition(proved.conditions ?? undefined, online, now),
      online: true,
      instance: instanceRef(instance),
      configuration: instance.spec.configurationName,
      station,
      chip: evidence.chip,
    };
    await changeStatus(ports.kube, device, change);
    ports.metrics.count('attestation:accepted');
  }

  /** Puts a refusal where it belongs: on the twin's condition, or in the list of its impostors. */
  async #record(
    device: Device,
    instance: Instance,
    station: string,
    { code, message }: Extract<Evidence, { result: 'refused' }>,
  ): Promise<void> {
    const { ports, events } = this.#context;
    const { status } = device;
    if (status?.station === undefined || status.station === station) {
      await this.#refuse(device, code, message);
      return;
    }
    const known = status.impostors?.find((impostor) => impostor.station === station);
    if (known?.code === code && known.instance === instance.metadata.name) return;
    const now = timestamp(ports.clock);
    const impostor: Impostor = {
      instance: instance.metadata.name,
      station,
      code,
      message,
      since: known?.since ?? now,
    };
    const others = (status.impostors ?? []).filter((other) => other.station !== station);
    const about = `Instance ${instance.metadata.name} at ${station} claims to be this device: ${code}: ${message}`;
    await changeStatus(ports.kube, device, {
      impostors: [impostor, ...others].slice(0, IMPOSTORS_MAX),
      conditions: setCondition(
        status.conditions,
        { type: 'Impersonated', status: 'True', reason: reasonOfCode(code), message: about },
        now,
      ),
    });
    events.record(device, 'Warning', 'Impersonated', about);
    ports.metrics.count('attestation:impostor');
  }

  async #refuse(device: Device, code: string, message: string): Promise<void> {
    const { ports, events } = this.#context;
    const evidence = { atMs: ports.clock.nowMs, result: 'refused', code, message } as const;
    const change = evidenceChange(ports.clock, device, evidence);
    if (change.conditions === device.status?.conditions) return;
    await changeStatus(ports.kube, device, change);
    if (code !== 'not-enrolled') events.record(device, 'Warning', 'EvidenceRefused', `${code}: ${message}`);
    ports.metrics.count('attestation:refused');
  }
}

/** Outcomes after which nobody knows what the device runs. */
const UNCERTAIN = new Set(['silent', 'interrupted', 'unreachable', 'unconfirmed', 'cancelled']);

/** Its last update left open what it runs, and it has not been asked since. */
function isUncertain({ status }: Device): boolean {
  const { outcome, finishedAt } = status?.update ?? {};
  if (outcome === undefined || finishedAt === undefined || !UNCERTAIN.has(outcome)) return false;
  return (status?.attestedAt ?? '') < finishedAt;
}

/** Heartbeats of an update are many; only what may call for evidence is looked at. */
function concernsAttestation(before: Device | undefined, after: Device): boolean {
  if (before === undefined || before.metadata.generation !== after.metadata.generation) return true;
  const was = before.status;
  const is = after.status;
  return (
    was?.instance?.uid !== is?.instance?.uid ||
    was?.station !== is?.station ||
    was?.update?.outcome !== is?.update?.outcome ||
    findCondition(was?.conditions, 'Attested')?.status !== findCondition(is?.conditions, 'Attested')?.status
  );
}
