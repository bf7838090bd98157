import type { JsonRecord } from '../json-record.ts';

/** How large values of a type can be, as far as their schema says. */
export interface ValueSize {
  /** Characters, items or members; 0 for what is of one size. */
  readonly most: number;
  /** Of the JSON of the smallest value. */
  readonly leastBytes: number;
}

/** The largest request that is reckoned with. Source: k8s.io/apiserver v0.32, pkg/apis/cel/config.go. */
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;

export const BOOL_SIZE: ValueSize = { most: 0, leastBytes: 4 };
export const NUMBER_SIZE: ValueSize = { most: 0, leastBytes: 1 };
export const INT_OR_STRING_SIZE: ValueSize = { most: REQUEST_BYTES_MAX - 2, leastBytes: 1 };

/** Source: k8s.io/apiserver v0.32, pkg/cel/common/schemas.go and pkg/cel/limits.go. */
export function textSize({ format, maxLength, enum: choices }: JsonRecord): ValueSize {
  const declared = typeof maxLength === 'number' ? Math.max(0, maxLength) : undefined;
  switch (format) {
    case 'byte':
      return { most: declared ?? REQUEST_BYTES_MAX - 2, leastBytes: 2 };
    case 'duration':
      return { most: 32, leastBytes: 3 };
    case 'date':
      return { most: 12, leastBytes: 12 };
    case 'date-time':
      return { most: 32, leastBytes: 21 };
  }
  const lengths = (Array.isArray(choices) ? choices : []).map((choice) =>
    typeof choice === 'string' ? Buffer.byteLength(choice) : 0,
  );
  // A character takes up to four bytes.
  if (declared !== undefined) return { most: declared * 4, leastBytes: 2 };
  return { most: lengths.length > 0 ? Math.max(...lengths) : REQUEST_BYTES_MAX - 2, leastBytes: 2 };
}

export function listSize({ maxItems }: JsonRecord, items: ValueSize): ValueSize {
  const fit = Math.floor((REQUEST_BYTES_MAX - 2) / (items.leastBytes + 1));
  return { most: typeof maxItems === 'number' ? Math.max(0, maxItems) : fit, leastBytes: 2 };
}

export function mapSize({ maxProperties }: JsonRecord, values: ValueSize): ValueSize {
  const fit = Math.floor((REQUEST_BYTES_MAX - 2) / (values.leastBytes + 6));
  return { most: typeof maxProperties === 'number' ? Math.max(0, maxProperties) : fit, leastBytes: 2 };
}

/** Members that must be there count, unless the server fills them in. */
export function objectSize(required: readonly (readonly [name: string, size: ValueSize])[]): ValueSize {
  const bytes = required.map(([name, { leastBytes }]) => Buffer.byteLength(name) + leastBytes + 4);
  return { most: 0, leastBytes: bytes.reduce((sum, one) => sum + one, 2) };
}

/** How many values of a size a request can hold. */
export function countThatFits({ leastBytes }: ValueSize): number {
  return Math.floor(REQUEST_BYTES_MAX / (leastBytes + 1));
}
