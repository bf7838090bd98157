import { createHash } from 'node:crypto';
import type { DeviceUpdate } from '../kube/device.ts';
import type { ClusterChange } from './engine/cluster-view.ts';
import type { FleetEvent, StampedEvent } from './fleet-event.ts';

/** Members of each event in the order they are written; the order is part of the trace's format. */
const FIELDS: { readonly [K in FleetEvent['kind']]: readonly string[] } = {
  boot: ['slot', 'digest', 'application', 'version', 'resetReason', 'rolledBack'],
  online: [],
  offline: [],
  confirm: ['digest'],
  evidence: ['session'],
  offer: ['session', 'digest', 'busy'],
  'write-begin': ['session', 'digest', 'offsetBytes', 'deltaFrom'],
  'write-end': ['session', 'digest', 'result', 'code'],
  power: ['on'],
  fault: ['fault', 'on', 'boards'],
};

const CHUNK_CHARS = 64 * 1024;

/**
 * One line for every change of state, in order, hashed as it goes: the hash is the run's identity.
 *
 * Lines go to the sink in chunks and are not kept.
 */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #sink: (chunk: string) => void;
  #pending = '';
  #lines = 0;

  constructor(sink: (chunk: string) => void = () => {}) {
    this.#sink = sink;
  }

  get lines(): number {
    return this.#lines;
  }

  event(event: StampedEvent): void {
    const members: Record<string, unknown> = { atMs: event.atMs, kind: event.kind };
    const from = event as unknown as Readonly<Record<string, unknown>>;
    if (from.board !== undefined) members.board = from.board;
    for (const field of FIELDS[event.kind]) if (from[field] !== undefined) members[field] = from[field];
    this.#write(members);
  }

  /** Writes a change of the API's objects when it is a transition, and nothing for the rest. */
  change(atMs: number, change: ClusterChange): void {
    const [members, before] = transitionOf(change);
    if (change.type === 'modified' && JSON.stringify(members) === JSON.stringify(before)) return;
    const { name } = change.object.metadata;
    this.#write({ atMs, kind: `api-${change.of}`, name, change: change.type, ...members });
  }

  /** Hash over everything so far, lower-case hex. The trace is closed then. */
  close(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #write(members: Readonly<Record<string, unknown>>): void {
    this.#pending += `${JSON.stringify(members)}\n`;
    this.#lines++;
    if (this.#pending.length >= CHUNK_CHARS) this.#flush();
  }

  #flush(): void {
    if (this.#pending === '') return;
    this.#hash.update(this.#pending);
    this.#sink(this.#pending);
    this.#pending = '';
  }
}

/** What a device was sent, where a delta was offered to it. */
function deliveryOf(update: DeviceUpdate | undefined): Members | undefined {
  if (update?.delivery?.deltaFrom === undefined) return undefined;
  const { imageBytes, deltaBytes, whyFull } = update.delivery;
  return { imageBytes, deltaBytes, whyFull };
}

type Members = Readonly<Record<string, unknown>>;

/** What of an object is worth a line: now, and before the change. */
function transitionOf(change: ClusterChange): [Members, Members] {
  switch (change.of) {
    case 'rollout': {
      const pick = (status: typeof change.object.status): Members => ({
        phase: status?.phase,
        wave: status?.wave,
        gates: status?.waves?.map((wave) => wave.gate),
      });
      return [pick(change.object.status), pick(change.previous?.status)];
    }
    case 'job': {
      const pick = (status: typeof change.object.status): Members => ({ phase: status?.phase });
      return [pick(change.object.status), pick(change.previous?.status)];
    }
    case 'device': {
      const pick = (status: typeof change.object.status): Members => ({
        instance: status?.instance?.name,
        running: status?.attested?.digest,
        confirmed: status?.attested?.confirmed,
        update: status?.update?.phase,
        outcome: status?.update?.outcome,
        delivery: deliveryOf(status?.update),
        impostors: status?.impostors?.length,
      });
      return [pick(change.object.status), pick(change.previous?.status)];
    }
    case 'instance': {
      const pick = (object: typeof change.object | undefined): Members => ({
        configuration: object?.spec.configurationName,
      });
      return [pick(change.object), pick(change.previous)];
    }
  }
}
