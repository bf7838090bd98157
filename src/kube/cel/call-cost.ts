import { exactly, product, type Range, scaled, sumOf, UNLIMITED, unionOf } from './cost-range.ts';

/** A call whose cost is asked for; sizes are those of the receiver and of the arguments. */
export interface Call {
  readonly name: string;
  /** Undefined for a function that is not a member of a value. */
  readonly target: Operand | undefined;
  readonly args: readonly Operand[];
}

export interface Operand {
  /** As the type checker names it. */
  readonly type: string;
  readonly size: Range;
  /** Of one item, when it is a list. */
  readonly itemSize: Range;
  /** The value of a literal. */
  readonly literal: unknown;
}

export interface CallCost {
  /** Beside what the operands cost. */
  readonly cost: Range;
  /** Of the result. */
  readonly size?: Range;
}

/** Of a text, for every character that is looked at. */
const TRAVERSAL = 0.1;
const REGEX = 0.25;
const FORMAT_PATTERN_LENGTH = 128;
const ONE = exactly(1);
const TEXT = /^(string|bytes)$/;

/**
 * What a call costs. Most calls cost 1; those that read texts and lists cost by their size.
 * Source: k8s.io/apiserver v0.32, pkg/cel/library/cost.go; cel-go v0.22, checker/cost.go and ext/sets.go.
 */
export function costOfCall({ name, target, args }: Call): CallCost {
  const [first, second] = args;
  const traversal = (operand: Operand | undefined, times = 1): CallCost =>
    operand === undefined ? { cost: ONE } : { cost: scaled(operand.size, times * TRAVERSAL) };
  const searched = (text: Operand, pattern: Operand): Range =>
    product(scaled(sumOf(text.size, ONE), TRAVERSAL), scaled(pattern.size, REGEX));
  switch (name) {
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'indexOf':
    case 'lastIndexOf':
      if (target === undefined) break;
      return target.type.startsWith('list<') ? { cost: comparedItems(target) } : traversal(target);
    case 'url':
      return { ...traversal(first), ...(first && { size: first.size }) };
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      if (target === undefined) break;
      return { ...traversal(target), size: target.size };
    case 'replace':
      if (target === undefined || first === undefined || second === undefined) break;
      return { ...traversal(target, 2), size: replacedSize(target.size, first.size, second.size) };
    case 'split':
      if (target === undefined) break;
      return { ...traversal(target, 2), size: { min: 0, max: Number(second?.literal ?? target.size.max) } };
    case 'join':
      if (target === undefined) break;
      return joinCost(target, first);
    case 'find':
    case 'findAll':
      if (target === undefined || first === undefined) break;
      return { cost: searched(target, first), size: { min: 0, max: target.size.max } };
    case 'matches':
      if (target === undefined || first === undefined) break;
      return { cost: searched(target, first) };
    case 'contains':
      if (target === undefined && first && second)
        return { cost: sumOf(product(first.size, second.size), ONE) };
      if (target === undefined || first === undefined) break;
      return { cost: product(scaled(target.size, TRAVERSAL), scaled(first.size, TRAVERSAL)) };
    case 'intersects':
    case 'equivalent':
      if (first === undefined || second === undefined) break;
      return { cost: sumOf(scaled(product(first.size, second.size), name === 'equivalent' ? 2 : 1), ONE) };
    case 'startsWith':
    case 'endsWith':
    case 'cidr':
    case 'isIP':
    case 'isCIDR':
    case 'quantity':
    case 'isQuantity':
    case 'ip':
      return traversal(first);
    case 'isCanonical':
      return traversal(first, 2);
    case 'containsIP':
    case 'containsCIDR':
      if (first === undefined) break;
      return { cost: rangeComparison(name === 'containsCIDR', first) };
    case 'validate':
      if (first === undefined) break;
      return { cost: scaled(scaled(first.size, TRAVERSAL), FORMAT_PATTERN_LENGTH * REGEX) };
    case 'format':
      return target === undefined ? { cost: ONE } : traversal(target);
    case 'quote':
      if (first === undefined) break;
      return { ...traversal(first), size: { min: first.size.min + 2, max: first.size.max * 2 + 2 } };
    case 'bytes':
      if (first === undefined || !/^(string|dyn)$/.test(first.type)) break;
      return { ...conversion(first), size: { min: first.size.min, max: first.size.max * 4 } };
    case 'string':
      if (first === undefined || !/^(bytes|dyn)$/.test(first.type)) break;
      return { ...conversion(first), size: { min: Math.floor(first.size.min / 4), max: first.size.max } };
  }
  return { cost: ONE };
}

/** What `left sign right` costs beside its operands. */
export function costOfOperator(sign: string, left: Operand, right: Operand): CallCost {
  const open = left.type === 'dyn' || right.type === 'dyn';
  switch (sign) {
    case '==':
    case '!=':
      return /^(IP|CIDR|Quantity)$/.test(left.type) && sign === '=='
        ? { cost: ONE }
        : { cost: compared(left, right) };
    case '<':
    case '<=':
    case '>':
    case '>=':
      if (open) return { cost: unionOf(ONE, compared(left, right)) };
      return { cost: TEXT.test(left.type) ? compared(left, right) : ONE };
    case '+': {
      const size = sumOf(left.size, right.size);
      if (open) return { cost: unionOf(ONE, scaled(size, TRAVERSAL)), size };
      if (TEXT.test(left.type)) return { cost: scaled(size, TRAVERSAL), size };
      return left.type.startsWith('list<') ? { cost: ONE, size } : { cost: ONE };
    }
    case 'in':
      return { cost: right.type.startsWith('map<') ? ONE : right.size };
    default:
      return { cost: ONE };
  }
}

/** Of a text, or of what may be one. */
function conversion({ type, size }: Operand): CallCost {
  const cost = scaled(size, TRAVERSAL);
  return { cost: type === 'dyn' ? unionOf(ONE, cost) : cost };
}

function compared(left: Operand, right: Operand): Range {
  const max = Math.min(left.size.max, right.size.max);
  return scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL);
}

function comparedItems({ type, size, itemSize }: Operand): Range {
  const isText = TEXT.test(type.slice('list<'.length, -1));
  return product(size, isText ? sumOf(ONE, scaled(itemSize, TRAVERSAL)) : ONE);
}

/** An empty text is replaced around every character. */
function replacedSize(text: Range, from: Range, to: Range): Range {
  const longest = (): readonly [number, number] => {
    if (from.min === 0) return [text.max < UNLIMITED ? text.max + 1 : text.max, text.max];
    return to.max <= from.min ? [0, text.max] : [Math.ceil(text.max / from.min), 0];
  };
  const shortest = (): readonly [number, number] => {
    if (from.max === 0) return [text.min + 1, text.min];
    return from.max <= to.min ? [0, text.min] : [Math.ceil(text.min / from.max), 0];
  };
  const [most, keptMost] = longest();
  const [least, keptLeast] = shortest();
  return sumOf(product({ min: least, max: most }, to), { min: keptLeast, max: keptMost });
}

function joinCost(list: Operand, separator: Operand | undefined): CallCost {
  const between = { min: Math.max(0, list.size.min - 1), max: Math.max(0, list.size.max - 1) };
  const separators = separator === undefined ? exactly(0) : product(separator.size, between);
  const size = sumOf(product(list.size, list.itemSize), separators);
  return { cost: scaled(size, TRAVERSAL), size };
}

/** Addresses are of 4 or 16 bytes; a text has to be read first. */
function rangeComparison(isRange: boolean, other: Operand): Range {
  const bytes = { min: 4, max: 16 };
  const addresses = scaled(sumOf(bytes, bytes), TRAVERSAL);
  const masks = isRange ? sumOf(scaled(bytes, TRAVERSAL), ONE) : exactly(0);
  const reading = other.type === 'string' ? scaled(other.size, TRAVERSAL) : exactly(0);
  return sumOf(addresses, masks, reading);
}
