/** How much, at the least and at the most: units of cost, or elements and characters. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What stands for "no limit": the largest number that a real server counts to. */
export const UNLIMITED = 2 ** 64;

export function exactly(count: number): Range {
  return { min: count, max: count };
}

export function sumOf(...ranges: readonly Range[]): Range {
  return {
    min: capped(ranges.reduce((sum, { min }) => sum + min, 0)),
    max: capped(ranges.reduce((sum, { max }) => sum + max, 0)),
  };
}

export function product(left: Range, right: Range): Range {
  return { min: capped(left.min * right.min), max: capped(left.max * right.max) };
}

/** Rounded up. */
export function scaled({ min, max }: Range, factor: number): Range {
  return { min: capped(Math.ceil(min * factor)), max: capped(Math.ceil(max * factor)) };
}

/** What covers both. */
export function unionOf(left: Range, right: Range): Range {
  return { min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) };
}

function capped(count: number): number {
  return Math.min(count, UNLIMITED);
}
