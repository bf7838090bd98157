import type { FaultName, FaultOrder } from '../fault.ts';
import type { FaultBand } from '../result.ts';
import type { World } from '../world.ts';

interface Active {
  readonly order: FaultOrder;
  readonly fromMs: number;
  /** Undefined: on until somebody heals it. */
  readonly untilMs: number | undefined;
  readonly heal: () => Promise<void>;
}

/** Faults that are on, and those that were. */
export class FaultDesk {
  readonly #world: World;
  readonly #onBug: (error: unknown) => void;
  readonly #active = new Set<Active>();
  readonly #bands: FaultBand[] = [];

  constructor(world: World, onBug: (error: unknown) => void) {
    this.#world = world;
    this.#onBug = onBug;
  }

  /** Faults that end by themselves and have not yet. */
  get timedLeft(): boolean {
    return [...this.#active].some((fault) => fault.untilMs !== undefined);
  }

  get lastEndsAtMs(): number {
    return [...this.#active].reduce((last, fault) => Math.max(last, fault.untilMs ?? 0), 0);
  }

  async inject(order: FaultOrder, forMs: number | undefined): Promise<void> {
    const heal = await this.#world.inject(order);
    const fromMs = this.#world.clock.nowMs;
    const untilMs = forMs === undefined ? undefined : fromMs + forMs;
    const fault: Active = { order, fromMs, untilMs, heal };
    this.#active.add(fault);
    if (forMs !== undefined) this.#world.clock.after(forMs, () => void this.#heal(fault).catch(this.#onBug));
  }

  /** Heals every fault of that name; says how many there were. */
  async heal(name: FaultName): Promise<number> {
    const found = [...this.#active].filter((fault) => fault.order.fault === name);
    for (const fault of found) await this.#heal(fault);
    return found.length;
  }

  async healAll(): Promise<void> {
    for (const fault of [...this.#active]) await this.#heal(fault);
  }

  /** Spans in which faults were on, those that still are until now. */
  bands(): FaultBand[] {
    const open = [...this.#active].map((fault) => this.#band(fault));
    return [...this.#bands, ...open].sort((a, b) => a.fromMs - b.fromMs);
  }

  async #heal(fault: Active): Promise<void> {
    if (!this.#active.delete(fault)) return;
    this.#bands.push(this.#band(fault));
    await fault.heal();
  }

  #band({ order, fromMs }: Active): FaultBand {
    return { fault: order.fault, boards: order.boards.length, fromMs, toMs: this.#world.clock.nowMs };
  }
}
