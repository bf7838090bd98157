import type { Instance } from '../../kube/akri.ts';
import { BROKER_PROPERTY } from '../../kube/akri.ts';
import type { BoardState, World } from '../world.ts';

/** The world's boards by name, and by the device that each genuine one is. */
export class FleetView {
  readonly #world: Pick<World, 'boards'>;
  readonly #indexByName = new Map<string, number>();
  readonly #genuineByDevice = new Map<string, number>();
  readonly #liarByDevice = new Map<string, number>();

  constructor(world: Pick<World, 'boards'>) {
    this.#world = world;
    for (const [index, board] of world.boards.entries()) {
      this.#indexByName.set(board.name, index);
      if (board.identity === 'genuine') this.#genuineByDevice.set(board.deviceId, index);
      else if (board.identity !== 'cloned') this.#liarByDevice.set(board.deviceId, index);
    }
  }

  get boards(): readonly BoardState[] {
    return this.#world.boards;
  }

  /** As it is now. */
  board(name: string): BoardState | undefined {
    const index = this.#indexByName.get(name);
    return index === undefined ? undefined : this.#world.boards[index];
  }

  /** The genuine board behind a Device; a board that forges evidence is nobody's. */
  boardOfDevice(deviceId: string): BoardState | undefined {
    const index = this.#genuineByDevice.get(deviceId);
    return index === undefined ? undefined : this.#world.boards[index];
  }

  /** The enrolled board behind a Device that forges or replays its evidence. */
  liarOfDevice(deviceId: string): BoardState | undefined {
    const index = this.#liarByDevice.get(deviceId);
    return index === undefined ? undefined : this.#world.boards[index];
  }

  boardOfInstance(instance: Instance): BoardState | undefined {
    const ueid = instance.spec.brokerProperties?.[BROKER_PROPERTY.ueid];
    return ueid === undefined ? undefined : this.boardOfDevice(deviceIdOfUeid(ueid));
  }
}

/** Name of the Device with this UEID: its 16 random bytes as 8-4-4-4-12. Source: src/kube/device.ts. */
export function deviceIdOfUeid(ueid: string): string {
  return ueid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
