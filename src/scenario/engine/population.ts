import { BROKER_PROPERTY, type Instance } from '../../kube/akri.ts';
import type { Device } from '../../kube/device.ts';
import { type BoardIdentity, matchesBoard } from '../board-selector.ts';
import type { BoardStateSelector, Countable, DeviceSelector, InstanceSelector } from '../plan.ts';
import type { BoardState } from '../world.ts';
import type { ClusterView } from './cluster-view.ts';
import type { FleetView } from './fleet-view.ts';

/** How many things match now, kept by re-judging only what changed. */
export class Population<T> {
  readonly #members = new Set<string>();
  readonly #matches: (thing: T) => boolean;

  constructor(matches: (thing: T) => boolean) {
    this.#matches = matches;
  }

  get count(): number {
    return this.#members.size;
  }

  /** Names of what matches, sorted, the first few. */
  names(limit: number): string[] {
    return [...this.#members].sort().slice(0, limit);
  }

  judge(name: string, thing: T | undefined): void {
    if (thing !== undefined && this.#matches(thing)) this.#members.add(name);
    else this.#members.delete(name);
  }
}

/** The populations that somebody asks about now. */
export class Census {
  readonly boards = new Set<Population<BoardState>>();
  readonly devices = new Set<Population<Device>>();
  readonly instances = new Set<Population<Instance>>();
  readonly #fleet: FleetView;
  readonly #cluster: ClusterView;

  constructor(fleet: FleetView, cluster: ClusterView) {
    this.#fleet = fleet;
    this.#cluster = cluster;
  }

  countBoards(matches: (board: BoardState) => boolean): Population<BoardState> {
    const population = new Population(matches);
    for (const board of this.#fleet.boards) population.judge(board.name, board);
    this.boards.add(population);
    return population;
  }

  countDevices(matches: (device: Device) => boolean): Population<Device> {
    const population = new Population(matches);
    for (const device of this.#cluster.devices.objects) population.judge(device.metadata.name, device);
    this.devices.add(population);
    return population;
  }

  /** Follows a subject; `end` forgets it again. */
  follow(subject: Countable): {
    readonly count: () => number;
    readonly end: () => void;
  } {
    if (subject.of === 'boards') {
      const population = this.countBoards((board) => matchesBoardState(subject.selector, board));
      return { count: () => population.count, end: () => void this.boards.delete(population) };
    }
    if (subject.of === 'devices') {
      const population = this.countDevices((device) => matchesDevice(subject.selector, device, this.#fleet));
      return { count: () => population.count, end: () => void this.devices.delete(population) };
    }
    const population = new Population<Instance>((instance) =>
      matchesInstance(subject.selector, instance, this.#fleet),
    );
    for (const instance of this.#cluster.instances.objects)
      population.judge(instance.metadata.name, instance);
    this.instances.add(population);
    return { count: () => population.count, end: () => void this.instances.delete(population) };
  }
}

const same = <T>(wanted: T | undefined, found: T | undefined): boolean =>
  wanted === undefined || wanted === found;

export function matchesBoardState(selector: BoardStateSelector, board: BoardState): boolean {
  return (
    matchesBoard(selector, board) &&
    same(selector.application, board.application) &&
    same(selector.version, board.version) &&
    same(selector.identity, board.identity) &&
    same(selector.state, board.state) &&
    same(selector.online, board.online) &&
    same(selector.confirmed, board.confirmed) &&
    same(selector.slot, board.slot)
  );
}

const conditionHolds = (device: Device, type: string): boolean =>
  device.status?.conditions?.some((entry) => entry.type === type && entry.status === 'True') ?? false;

export function isUpdating(device: Device): boolean {
  const phase = device.status?.update?.phase;
  return phase !== undefined && phase !== 'Settled';
}

/** Twins of boards that lie match only where they are asked for: they are never the fleet's. */
export function matchesDevice(selector: DeviceSelector, device: Device, fleet: FleetView): boolean {
  const { identity = 'genuine' } = selector;
  const { name } = device.metadata;
  const board = identity === 'genuine' ? fleet.boardOfDevice(name) : fleet.liarOfDevice(name);
  if (board?.identity !== identity || !matchesBoard(selector, board)) return false;
  const status = device.status;
  return (
    same(selector.application, status?.attested?.application) &&
    same(selector.version, status?.attested?.version) &&
    same(selector.confirmed, status?.attested?.confirmed ?? false) &&
    same(selector.attested, conditionHolds(device, 'Attested')) &&
    same(selector.impersonated, (status?.impostors?.length ?? 0) > 0) &&
    same(selector.online, status?.online ?? false) &&
    same(selector.updating, isUpdating(device)) &&
    same(selector.outcome, isUpdating(device) ? undefined : status?.update?.outcome) &&
    same(selector.configuration, status?.configuration) &&
    (selector.message === undefined ||
      (!isUpdating(device) && (status?.update?.message ?? '').includes(selector.message)))
  );
}

/** Whether a board, or the device or Instance it is, could ever match: what shares are shares of. */
export function couldMatch(subject: Countable, board: BoardIdentity & Pick<BoardState, 'identity'>): boolean {
  if (!matchesBoard(subject.selector, board)) return false;
  if (subject.of === 'instances') return board.identity === 'genuine';
  return same(
    subject.selector.identity ?? (subject.of === 'devices' ? 'genuine' : undefined),
    board.identity,
  );
}

export function matchesInstance(selector: InstanceSelector, instance: Instance, fleet: FleetView): boolean {
  const { configurationName, brokerProperties } = instance.spec;
  return (
    same(selector.configuration, configurationName) &&
    same(selector.application, brokerProperties?.[BROKER_PROPERTY.application]) &&
    same(selector.chip, brokerProperties?.[BROKER_PROPERTY.device]) &&
    (selector.group === undefined || selector.group === fleet.boardOfInstance(instance)?.group)
  );
}
