/** A node of a parsed expression, as the library builds it. */
export interface Node {
  readonly op: string;
  args: unknown;
  readonly start: number;
  readonly end: number;
  /** Set by type checking. */
  readonly checkedType?: { readonly kind: string; readonly name: string };
  handle?: (left: unknown, right: unknown) => unknown;
}
