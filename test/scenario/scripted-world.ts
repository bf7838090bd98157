import { INSTANCE } from '../../src/kube/akri.ts';
import { DEVICE, type Device } from '../../src/kube/device.ts';
import type { NewObject } from '../../src/kube/object.ts';
import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { FleetEvent, StampedEvent } from '../../src/scenario/fleet-event.ts';
import type { PlannedBoard, ScenarioPlan } from '../../src/scenario/plan.ts';
import type { BoardState, PackedImage, RegistryTraffic, World } from '../../src/scenario/world.ts';
import { ScriptedClock } from './scripted-clock.ts';
import { ScriptedKube } from './scripted-kube.ts';

export type MutableBoard = { -readonly [K in keyof BoardState]: BoardState[K] };

/**
 * A world that does what a script says: boards boot healthy at the start, have a twin and an Akri
 * Instance each, and everything else is told by `at`.
 */
export class ScriptedWorld implements World {
  readonly kind = 'sim';
  readonly clock = new ScriptedClock();
  readonly kube = new ScriptedKube();
  readonly boards: MutableBoard[];
  readonly images: PackedImage[];
  traffic: RegistryTraffic[] = [];
  readonly injected: FaultOrder[] = [];
  readonly healed: FaultOrder[] = [];
  stopped = false;
  eventCount = 0;
  unsupported: ReadonlySet<string> = new Set();
  #listener: (event: StampedEvent) => void = () => {};

  constructor(plan: ScenarioPlan) {
    this.images = plan.firmware.flatMap(({ key, application, version, images }) =>
      images.map(({ chip }) => ({
        firmware: key,
        chip,
        application,
        version,
        digest: digestOf(key, chip),
        index: indexOf(key),
      })),
    );
    const idOf = new Map(plan.boards.map((board, index) => [board.name, deviceId(index)]));
    this.boards = plan.boards.map((board) => this.#boardOf(board, idOf));
  }

  onEvent(listener: (event: StampedEvent) => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    for (const board of this.boards) {
      this.boot(board.name, {});
      this.tell({ kind: 'online', board: board.name });
      if (board.identity === 'genuine') await this.#enrol(board);
    }
  }

  async runUntil(done: () => boolean, deadlineMs: number): Promise<boolean> {
    for (;;) {
      // A few turns of the event loop let every pending promise settle.
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (done()) return true;
      if (!this.clock.step(deadlineMs)) return done();
      this.eventCount++;
    }
  }

  async inject(order: FaultOrder): Promise<() => Promise<void>> {
    if (this.unsupported.has(order.fault)) {
      const { WorldError } = await import('../../src/scenario/world.ts');
      throw new WorldError('unsupported', `${order.fault} needs a board with a power switch`);
    }
    this.injected.push(order);
    this.tell({ kind: 'fault', fault: order.fault, on: true, boards: order.boards });
    return async () => {
      this.healed.push(order);
      this.tell({ kind: 'fault', fault: order.fault, on: false, boards: order.boards });
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }

  at(atMs: number, act: () => void | Promise<void>): this {
    this.clock.after(atMs - this.clock.nowMs, () => void act());
    return this;
  }

  tell(event: FleetEvent): void {
    this.#listener({ ...event, atMs: this.clock.nowMs } as StampedEvent);
  }

  board(name: string): MutableBoard {
    const found = this.boards.find((board) => board.name === name);
    if (found === undefined) throw new Error(`no board ${name}`);
    return found;
  }

  /** The board starts what it runs now, changed by `change`. */
  boot(name: string, change: Partial<MutableBoard> & { rolledBack?: boolean; brick?: boolean }): void {
    const { rolledBack = false, brick = false, ...rest } = change;
    const board = Object.assign(this.board(name), { state: brick ? 'bricked' : 'running' }, rest);
    const { digest, application, version } = board;
    const slot = brick ? null : board.slot;
    this.tell({
      kind: 'boot',
      board: name,
      slot,
      digest,
      application,
      version,
      resetReason: 'software',
      rolledBack,
    });
  }

  /** A whole healthy update, told in one instant: evidence, offer, write, restart, confirmation. */
  update(name: string, firmware: string, session = `s-${name}-${firmware}`): void {
    const digest = this.digest(name, firmware);
    this.tell({ kind: 'evidence', board: name, session });
    this.tell({ kind: 'offer', board: name, session, digest, busy: false });
    this.tell({ kind: 'write-begin', board: name, session, digest, offsetBytes: 0 });
    this.tell({ kind: 'write-end', board: name, session, digest, result: 'written' });
    this.run(name, firmware);
    this.board(name).confirmed = true;
    this.tell({ kind: 'confirm', board: name, digest });
  }

  /** The board restarts into another image, on probation. */
  run(name: string, firmware: string): void {
    const image = this.images.find((entry) => entry.digest === this.digest(name, firmware));
    if (image === undefined) throw new Error(`no image ${firmware}`);
    const { application, version, digest } = image;
    this.boot(name, { application, version, digest, confirmed: false });
  }

  digest(name: string, firmware: string): string {
    return digestOf(firmware, this.board(name).chip);
  }

  async patchDevice(name: string, change: object): Promise<Device> {
    const key = { namespace: 'default', name: this.board(name).deviceId };
    return this.kube.patch(DEVICE, key, { body: change });
  }

  #boardOf(board: PlannedBoard, idOf: ReadonlyMap<string, string>): MutableBoard {
    const firmware = this.images.find((image) => image.firmware === board.runs && image.chip === board.chip);
    return {
      name: board.name,
      group: board.group,
      labels: board.labels,
      chip: board.chip,
      deviceId: idOf.get(board.clones ?? board.name) ?? '',
      identity: board.identity,
      state: 'running',
      online: true,
      application: firmware?.application ?? '',
      version: firmware?.version ?? '',
      digest: firmware?.digest ?? '',
      slot: 'ota_0',
      confirmed: true,
    };
  }

  async #enrol(board: MutableBoard): Promise<void> {
    const ueid = `01${board.deviceId.replaceAll('-', '')}`;
    const { application, version, digest, slot, chip } = board;
    const instance = await this.kube.create(INSTANCE, {
      ...INSTANCE,
      metadata: { namespace: 'default', name: `i-${board.name}` },
      spec: {
        configurationName: application,
        cdiName: `akri.sh/${application}=${board.name}`,
        capacity: 1,
        brokerProperties: { UEID: ueid, APPLICATION_TYPE: application, DEVICE: chip },
      },
    });
    const device: NewObject<Device> = {
      apiVersion: DEVICE.apiVersion,
      kind: DEVICE.kind,
      metadata: { namespace: 'default', name: board.deviceId, labels: { ...board.labels } },
      spec: { ueid },
      status: {
        online: true,
        chip,
        configuration: application,
        instance: { name: instance.metadata.name, namespace: 'default', uid: instance.metadata.uid },
        attested: { application, version, digest, slot, secureVersion: 0, confirmed: true, bootCount: 1 },
      },
    };
    await this.kube.create(DEVICE, device);
  }
}

/** What a job that asks for `firmware` pins. */
export function indexOf(firmware: string): string {
  return `sha256:${firmware}`;
}

export function digestOf(firmware: string, chip: string): string {
  return `sha256:${firmware}/${chip}`;
}

function deviceId(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}
