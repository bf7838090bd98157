import { shuffled } from '../../random/random.ts';
import { type BoardSelector, matchesBoard } from '../board-selector.ts';
import type { Measure } from '../language/quantity.ts';
import type { Path } from '../language/yaml-source.ts';
import type { PlannedBoard } from '../plan.ts';
import { checkSelector, complain, type Draft } from './draft.ts';

/** Drops the members that a schema left undefined, so that a selector has only what was written. */
export function compact<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

/** How many an amount means, of `total`; a share is rounded to the nearest whole one. */
export function countOf(amount: Measure, total: number): number {
  if (amount.kind === 'size') return amount.sizeBytes;
  return amount.kind === 'count' ? amount.count : Math.round(amount.share * total);
}

/** Boards that a selector means, sorted by name; `stream` names the draw. */
export function selectBoards(
  draft: Draft,
  at: Path,
  selector: BoardSelector,
  stream: string,
): readonly PlannedBoard[] {
  checkSelector(draft, at, selector);
  const matching = draft.boards.filter((board) => matchesBoard(selector, board));
  if (selector.count === undefined) return matching;
  const count = countOf(selector.count, matching.length);
  if (count > matching.length)
    complain(draft, [...at, 'count'], `${count} boards are wanted and only ${matching.length} match`);
  const drawn = shuffled(draft.random.split(stream), matching).slice(0, count);
  return drawn.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The selector with its draw made: without `count`. */
export function resolveSelector(
  draft: Draft,
  at: Path,
  selector: BoardSelector,
  stream: string,
): BoardSelector {
  const boards = selectBoards(draft, at, selector, stream);
  if (selector.count === undefined) return selector;
  return { boards: boards.map((board) => board.name) };
}
