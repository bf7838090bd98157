import { injectFault } from '../../sim/faults/inject.ts';
import type { Stage } from '../../sim/faults/stage.ts';
import type { FaultName } from '../../src/scenario/fault.ts';
import { Rig, type RigOptions } from '../board/rig.ts';

export const MINUTE_MS = 60_000;
/** ota_1 of the table that fleets have. */
export const SLOT_1 = 0x190000;
const absent = (): never => {
  throw new Error('there is no operator on this stage');
};

/** One board that runs, and faults to inject into it. */
export class FaultRig extends Rig {
  readonly #stage: Stage = {
    boards: new Map([[this.board.name, this.board]]),
    links: new Map([[this.board.name, this.link]]),
    api: undefined,
    registry: undefined,
    cast: {
      killOperator: absent,
      startOperator: absent,
      killAgents: absent,
      loseNode: absent,
      recoverNode: absent,
    },
  };

  static async running(options: RigOptions = {}): Promise<FaultRig> {
    const rig = new FaultRig(options);
    rig.board.powerOn();
    await rig.run(MINUTE_MS);
    return rig;
  }

  inject(fault: FaultName, parameters: Readonly<Record<string, number>> = {}): Promise<() => Promise<void>> {
    const order = { fault, boards: [this.board.name], parameters };
    return injectFault(this.#stage, order, (event) => this.events.push({ ...event, atMs: this.clock.nowMs }));
  }

  /** Waits until an update is in the middle of its download. */
  async midway(): Promise<void> {
    this.offer('thermo:2.0.0');
    const pulls = this.pulls + 5;
    await this.clock.run(() => this.pulls >= pulls, this.clock.nowMs + MINUTE_MS);
  }

  get boots(): {
    readonly slot: string | null;
    readonly resetReason: string;
    readonly rolledBack: boolean;
  }[] {
    return this.events.flatMap((event) => (event.kind === 'boot' ? [event] : []));
  }
}
