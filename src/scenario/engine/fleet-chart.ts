import type { BoardState } from '../world.ts';

/** What the fleet looked like over time, bounded whatever the length of the run. */
export interface ChartSamples {
  /** Width of a column in milliseconds; column i tells the state at the end of `i × columnMs … (i+1) × columnMs`. */
  readonly columnMs: number;
  /** What boards were doing, in the order in which it was first seen. */
  readonly states: readonly string[];
  /** Boards in each state, one row per column, in the order of `states`. */
  readonly columns: readonly (readonly number[])[];
}

const COLUMNS_MAX = 600;
const FIRST_COLUMN_MS = 1000;

/** What a board is doing, in the words of the legend. */
export function chartStateOf(board: BoardState): string {
  if (board.state === 'bricked') return 'bricked';
  if (board.identity !== 'genuine') return 'impostor';
  if (board.state === 'off') return 'off';
  if (board.state === 'updating') return 'updating';
  if (board.state === 'booting') return 'restarting';
  if (!board.online) return 'offline';
  const running = `${board.application} ${board.version}`;
  return board.confirmed ? running : `${running} on probation`;
}

/**
 * Counts boards by state, and keeps at most 600 samples: when they are full, every second one is
 * dropped and the next take twice as long.
 */
export class FleetChart {
  readonly #counts: number[] = [];
  readonly #indexOf = new Map<string, number>();
  readonly #stateOf = new Map<string, number>();
  #columnMs = FIRST_COLUMN_MS;
  #columns: (readonly number[])[] = [];

  /** Boards by state now, in the order of first sight; states with none included. */
  get now(): ReadonlyMap<string, number> {
    return new Map([...this.#indexOf].map(([state, index]) => [state, this.#counts[index] ?? 0]));
  }

  judge(board: BoardState): void {
    const state = chartStateOf(board);
    let index = this.#indexOf.get(state);
    if (index === undefined) {
      index = this.#counts.length;
      this.#indexOf.set(state, index);
      this.#counts.push(0);
    }
    const before = this.#stateOf.get(board.name);
    if (before === index) return;
    if (before !== undefined) this.#counts[before] = (this.#counts[before] ?? 0) - 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#stateOf.set(board.name, index);
  }

  /** Closes the columns that end at or before `nowMs`; called before the boards change at `nowMs`. */
  advanceTo(nowMs: number): void {
    while ((this.#columns.length + 1) * this.#columnMs <= nowMs) {
      this.#columns.push([...this.#counts]);
      if (this.#columns.length < COLUMNS_MAX) continue;
      this.#columns = this.#columns.filter((_, index) => index % 2 === 1);
      this.#columnMs *= 2;
    }
  }

  /** The samples so far, with a last column for what is now. */
  samples(): ChartSamples {
    const states = [...this.#indexOf.keys()];
    const pad = (column: readonly number[]): readonly number[] =>
      states.map((_, index) => column[index] ?? 0);
    return { columnMs: this.#columnMs, states, columns: [...this.#columns, this.#counts].map(pad) };
  }
}
