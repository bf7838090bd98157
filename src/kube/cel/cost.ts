import { type CallCost, costOfCall, costOfOperator, type Operand } from './call-cost.ts';
import type { DeclaredType } from './cel-object.ts';
import { exactly, product, type Range, sumOf, UNLIMITED, unionOf } from './cost-range.ts';
import type { Node } from './expression-node.ts';
import { OWN_NAMES } from './string-functions.ts';

/** Names that stand for a family of functions, not for a value. */
const FAMILIES: ReadonlySet<string> = new Set([
  'IPNamespace',
  'Sets',
  'Strings',
  'FormatNamespace',
  'OptionalNamespace',
]);
const PLAIN_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(OWN_NAMES).map(([plain, own]) => [own, plain]),
);
const SCALAR = /^(bool|double|int|uint|google\.protobuf\.(Duration|Timestamp))$/;
const FREE = exactly(0);
const ONE = exactly(1);
/** Making a list, and making a map. */
const LIST = exactly(10);
const MAP = exactly(30);

/**
 * The most that evaluating a checked expression can cost, in the units of an API server, by what the schema
 * says of how large values get; `self` is the type that `self` and `oldSelf` have.
 * Source: cel-go v0.22, checker/cost.go.
 */
export function mostCost(expression: Node, self: DeclaredType): number {
  return new Estimate(self).cost(expression).max;
}

class Estimate {
  readonly #self: DeclaredType;
  /** What stands where a node's value comes from; nothing, when the schema says nothing of that place. */
  readonly #places = new Map<Node, DeclaredType | undefined>();
  /** Sizes of results. */
  readonly #sizes = new Map<Node, Range>();
  /** The lists and maps that variables of macros run over. */
  readonly #variables = new Map<string, readonly Node[]>();

  constructor(self: DeclaredType) {
    this.#self = self;
  }

  cost(node: Node): Range {
    const { op, args } = node;
    switch (op) {
      case 'value':
        return FREE;
      case 'id':
        return this.#identifier(node, args as string);
      case '.':
        return this.#member(node, ...(args as [Node, string]));
      case '.?':
        return sumOf(this.cost((args as [Node])[0]), ONE);
      case '[]':
        return this.#index(node, ...(args as [Node, Node]));
      case '!_':
      case '-_':
        return sumOf(this.cost(args as Node), ONE);
      case '&&':
      case '||': {
        const [left, right] = (args as [Node, Node]).map((part) => this.cost(part)) as [Range, Range];
        return { min: left.min, max: sumOf(left, right).max };
      }
      case '?:':
        return this.#choice(node, ...(args as [Node, Node, Node]));
      case 'list':
        return sumOf(...(args as Node[]).map((part) => this.cost(part)), LIST);
      case 'map':
        return sumOf(...(args as [Node, Node][]).flat().map((part) => this.cost(part)), MAP);
      case 'call': {
        const [name, parts] = args as [string, readonly Node[]];
        const [tested] = parts;
        // Asking whether a field is there costs no more than coming to its object.
        if (name === 'has' && tested !== undefined) return this.cost((tested.args as [Node])[0]);
        return this.#call(node, name, undefined, parts);
      }
      case 'rcall':
        return this.#memberCall(node, ...(args as [string, Node, readonly Node[]]));
      default:
        return this.#operator(node, op, ...(args as [Node, Node]));
    }
  }

  #identifier(node: Node, name: string): Range {
    const over = this.#variables.get(name)?.at(-1);
    if (over === undefined) this.#places.set(node, this.#self);
    else if (typeOf(over).startsWith('list<')) this.#place(node, over, ({ elements }) => elements);
    // Keys have a size that nobody declares.
    else if (typeOf(over).startsWith('map<')) this.#sizes.set(node, FREE);
    return ONE;
  }

  #member(node: Node, object: Node, name: string): Range {
    const cost = this.cost(object);
    this.#place(node, object, ({ fields }) => fields?.get(name)?.type);
    return /^(dyn$|optional<)/.test(typeOf(object)) ? cost : sumOf(cost, ONE);
  }

  #index(node: Node, object: Node, index: Node): Range {
    const cost = sumOf(this.cost(object), this.cost(index), ONE);
    this.#place(node, object, ({ elements }) => elements);
    return cost;
  }

  #choice(node: Node, condition: Node, left: Node, right: Node): Range {
    const cost = sumOf(this.cost(condition), unionOf(this.cost(left), this.cost(right)));
    this.#sizes.set(node, unionOf(this.#sizeOf(left), this.#sizeOf(right)));
    return cost;
  }

  #operator(node: Node, sign: string, left: Node, right: Node): Range {
    const costs = [this.cost(left), this.cost(right)];
    return this.#result(node, costs, costOfOperator(sign, this.#operand(left), this.#operand(right)));
  }

  #memberCall(node: Node, name: string, target: Node, args: readonly Node[]): Range {
    const macro = this.#macro(node, name, target, args);
    if (macro !== undefined) return macro;
    return FAMILIES.has(typeOf(target))
      ? this.#call(node, name, undefined, args)
      : this.#call(node, PLAIN_NAMES.get(name) ?? name, target, args);
  }

  #call(node: Node, name: string, target: Node | undefined, args: readonly Node[]): Range {
    const costs = [...(target ? [target] : []), ...args].map((part) => this.cost(part));
    const operands = args.map((part) => this.#operand(part));
    const receiver = target && this.#operand(target);
    return this.#result(node, costs, costOfCall({ name, target: receiver, args: operands }));
  }

  #result(node: Node, operands: readonly Range[], { cost, size }: CallCost): Range {
    if (size !== undefined) this.#sizes.set(node, size);
    return sumOf(...operands, cost);
  }

  /** Macros are loops; what they cost beside their bodies is what cel-go makes of them. */
  #macro(node: Node, name: string, target: Node, args: readonly Node[]): Range | undefined {
    const [variable, body, more] = args;
    if (variable?.op !== 'id' || body === undefined) return undefined;
    const loop = (start: Range, end: Range, step: (body: Range, more: Range) => Range): Range => {
      const range = this.cost(target);
      const id = variable.args as string;
      const outer = this.#variables.get(id) ?? [];
      this.#variables.set(id, [...outer, target]);
      const each = step(this.cost(body), more === undefined ? FREE : this.cost(more));
      this.#variables.set(id, outer);
      const count = this.#sizeOf(target);
      this.#sizes.set(node, count);
      return sumOf(range, start, end, product(count, each));
    };
    const shortened = (condition: number) => (predicate: Range) =>
      sumOf({ min: 1, max: predicate.max + 1 }, exactly(condition));
    switch (name) {
      case 'all':
        return loop(FREE, ONE, shortened(2));
      case 'exists':
        return loop(FREE, ONE, shortened(3));
      case 'exists_one':
      case 'existsOne':
        return loop(FREE, exactly(2), (predicate) => sumOf(predicate, { min: 1, max: 2 }));
      case 'filter':
        return loop(LIST, ONE, (predicate) => sumOf(predicate, { min: 1, max: 13 }));
      case 'map':
        return more === undefined
          ? loop(LIST, ONE, (value) => sumOf(value, exactly(12)))
          : loop(LIST, ONE, (predicate, value) => sumOf(predicate, { min: 1, max: value.max + 12 }));
      default:
        return undefined;
    }
  }

  /** What is inside a value that was calculated is taken for `self`: so a real server reckons. */
  #place(node: Node, whole: Node, inside: (type: DeclaredType) => DeclaredType | undefined): void {
    const outer = this.#places.get(whole);
    const place = outer === undefined ? undefined : inside(outer);
    this.#places.set(node, this.#places.has(whole) ? place : this.#self);
  }

  #operand(node: Node): Operand {
    const elements = this.#places.get(node)?.elements;
    return {
      type: typeOf(node),
      size: this.#sizeOf(node),
      itemSize: elements === undefined ? { min: 0, max: UNLIMITED } : { min: 0, max: elements.size.most },
      literal: node.op === 'value' ? node.args : undefined,
    };
  }

  #sizeOf(node: Node): Range {
    const known = this.#sizes.get(node) ?? literalSize(node);
    if (known !== undefined) return known;
    const place = this.#places.get(node);
    if (place !== undefined) return { min: 0, max: place.size.most };
    return SCALAR.test(typeOf(node)) ? ONE : { min: 0, max: UNLIMITED };
  }
}

function literalSize({ op, args }: Node): Range | undefined {
  if (op === 'list' || op === 'map') return exactly((args as readonly unknown[]).length);
  if (op !== 'value') return undefined;
  return typeof args === 'string'
    ? exactly([...args].length)
    : args instanceof Uint8Array
      ? exactly(args.length)
      : ONE;
}

function typeOf({ checkedType }: Node): string {
  return checkedType?.name ?? '';
}
