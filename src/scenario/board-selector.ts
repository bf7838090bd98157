import type { Amount } from './language/quantity.ts';

/** What a board is from the start to the end of a story. */
export interface BoardIdentity {
  readonly name: string;
  readonly group: string;
  readonly chip: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Which boards a fault, a behaviour or an expectation is about; members narrow each other. */
export interface BoardSelector {
  readonly group?: string;
  readonly chip?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly boards?: readonly string[];
  /** Takes this many of those that match, chosen by the seed. */
  readonly count?: Amount;
}

/** True when the board matches every member but `count`, which is about all boards together. */
export function matchesBoard(selector: BoardSelector, board: BoardIdentity): boolean {
  if (selector.group !== undefined && selector.group !== board.group) return false;
  if (selector.chip !== undefined && selector.chip !== board.chip) return false;
  if (selector.boards !== undefined && !selector.boards.includes(board.name)) return false;
  return Object.entries(selector.labels ?? {}).every(([key, value]) => board.labels[key] === value);
}
