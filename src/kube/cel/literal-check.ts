import { FORMATS } from '../crd-schema-format.ts';
import { parseGoDuration } from './duration.ts';
import type { Node } from './expression-node.ts';
import { compileRe2 } from './re2.ts';

/** A mistake that can be seen before an expression runs, and the node that it is at. */
export interface Mistake {
  readonly message: string;
  readonly node: Node;
}

/**
 * What is wrong with the literals of a checked expression: patterns, durations and times that are none,
 * lists and maps of mixed types, and texts that `format` cannot fill.
 * Source: cel-go v0.22, cel/validator.go and ext/formatting.go, as k8s.io/apiserver v0.32 uses them.
 */
export function literalMistake(root: Node, mayMix = false): Mistake | undefined {
  const { op, args } = root;
  const isAggregate = op === 'list' || op === 'map';
  const own = mayMix && isAggregate ? undefined : OWN[op]?.(args);
  if (own !== undefined) return own;
  const fills = op === 'rcall' && (args as [string])[0] === 'format';
  for (const child of childrenOf(args)) {
    // What a text is filled with may be of any types.
    const found = literalMistake(child, mayMix || (fills && child.op === 'list'));
    if (found !== undefined) return found;
  }
  return undefined;
}

function childrenOf(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.flatMap(childrenOf);
  return typeof value === 'object' && value !== null && 'op' in value ? [value as Node] : [];
}

const OWN: Readonly<Record<string, (args: unknown) => Mistake | undefined>> = {
  list: (args) => mixedTypes(args as readonly Node[]),
  map: (args) => {
    const entries = args as readonly (readonly [Node, Node])[];
    return mixedTypes(entries.map(([key]) => key)) ?? mixedTypes(entries.map(([, value]) => value));
  },
  call: (args) => {
    const [name, [first]] = args as [string, readonly Node[]];
    const text = literalText(first);
    if (first === undefined || text === undefined) return undefined;
    return READABLE[name]?.(text) === false
      ? { message: `invalid ${name} argument`, node: first }
      : undefined;
  },
  rcall: (args) => {
    const [name, target, [first]] = args as [string, Node, readonly Node[]];
    if (name === 'format') return unfillable(literalText(target), first);
    const text = literalText(first);
    const isPattern = name === 'find' || name === 'findAll' || name.startsWith('matches');
    if (!isPattern || first === undefined || text === undefined || compileRe2(text) !== undefined)
      return undefined;
    return { message: `invalid ${name.replace(/Re2$/, '')} argument`, node: first };
  },
};

/** Which texts a conversion can read. */
const READABLE: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseGoDuration(text) !== undefined,
  timestamp: (text) => FORMATS['date-time']?.(text) === true,
  int: (text) => /^[+-]?\d+$/.test(text),
  uint: (text) => /^\d+$/.test(text),
  double: (text) => text.trim() === text && text !== '' && !Number.isNaN(Number(text)),
  bool: (text) => /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(text),
};

function literalText(node: Node | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined;
}

function mixedTypes(nodes: readonly Node[]): Mistake | undefined {
  const types = nodes.map(({ checkedType }) => checkedType?.name ?? 'dyn');
  const first = types.find((type) => type !== 'dyn');
  const at = types.findIndex((type) => type !== 'dyn' && type !== first);
  const node = nodes[at];
  return node && { message: `expected type '${first}' but found '${types[at]}'`, node };
}

/** The types that a verb takes, and what it says of others; `s` takes any. */
const VERBS: Readonly<Record<string, readonly [types: RegExp, complaint: string]>> = {
  s: [/./, ''],
  d: [/^u?int$/, 'decimal clause can only be used on integers'],
  f: [/^double$/, 'fixed-point clause can only be used on doubles'],
  e: [/^double$/, 'scientific clause can only be used on doubles'],
  b: [/^(u?int|bool)$/, 'only integers and bools can be formatted as binary'],
  x: [/^(u?int|string|bytes)$/, 'only integers, byte buffers, and strings can be formatted as hex'],
  X: [/^(u?int|string|bytes)$/, 'only integers, byte buffers, and strings can be formatted as hex'],
  o: [/^u?int$/, 'octal clause can only be used on integers'],
};

function unfillable(template: string | undefined, list: Node | undefined): Mistake | undefined {
  if (template === undefined || list?.op !== 'list') return undefined;
  const values = list.args as readonly Node[];
  let next = 0;
  for (const [clause, verb = ''] of template.matchAll(/%(?:%|(?:\.\d+)?([a-zA-Z]))/g)) {
    if (clause === '%%') continue;
    const known = VERBS[verb];
    if (known === undefined) {
      const message = `could not parse formatting clause: unrecognized formatting clause "${verb}"`;
      return { message, node: list };
    }
    const node = values[next++];
    if (node === undefined) return { message: `index ${next - 1} out of range`, node: list };
    const type = node.checkedType?.name ?? 'dyn';
    if (type !== 'dyn' && !known[0].test(type))
      return { message: `error during formatting: ${known[1]}, was given ${type}`, node };
  }
  return undefined;
}
