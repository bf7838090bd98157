import {
  type Environment,
  EvaluationError,
  ParseError,
  TypeError as TypeMismatch,
} from '@marcbachmann/cel-js';
import { equalValues, joinLists } from './cel-object.ts';
import type { Node } from './expression-node.ts';
import { literalMistake } from './literal-check.ts';
import { OWN_NAMES } from './string-functions.ts';

/** Values of `self` and `oldSelf`; an absent one is not named by the expression. */
export interface Variables {
  readonly self: unknown;
  readonly oldSelf?: unknown;
}

export type Evaluated =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

/** A checked expression, ready to run; running it never throws. */
export interface Expression {
  readonly usesOldSelf: boolean;
  readonly root: Node;
  readonly evaluate: (variables: Variables) => Evaluated;
}

/** Parses and type checks `text`; returns what is wrong with it, in the words of an API server, as a text. */
export function compileExpression(
  environment: Environment,
  text: string,
  type: 'bool' | 'string',
): Expression | string {
  try {
    const program = environment.parse(withPlainHas(environment, text));
    const nodes = [...nodesOf(program.ast)];
    const complaint = withoutBind(nodes, text) ?? unknownField(environment, nodes, text);
    if (complaint !== undefined) return complaint;
    for (const node of nodes) callOurs(node);
    const { valid, error, type: found } = program.check();
    if (!valid) return compilationFailed(error, text);
    if (found !== type && !(found === 'dyn' && type === 'bool')) return mustEvaluateTo(type);
    const literal = literalMistake(program.ast as unknown as Node);
    if (literal !== undefined) return located(literal.message, text, literal.node.start);
    for (const node of nodes) compareBySchema(node);
    const usesOldSelf = nodes.some(({ op, args }) => op === 'id' && args === 'oldSelf');
    return {
      usesOldSelf,
      root: program.ast as unknown as Node,
      evaluate: (variables) => run(() => program({ ...variables })),
    };
  } catch (error) {
    return compilationFailed(error, text);
  }
}

function mustEvaluateTo(type: 'bool' | 'string'): string {
  return type === 'bool'
    ? 'cel expression must evaluate to a bool'
    : 'messageExpression must evaluate to a string';
}

function run(program: () => unknown): Evaluated {
  try {
    return { ok: true, value: program() };
  } catch (error) {
    return { ok: false, error: inWords(error) };
  }
}

/** As cel-go words it. */
function inWords(error: unknown): string {
  const summary =
    error instanceof EvaluationError ? error.summary : String((error as Error).message ?? error);
  const code = error instanceof EvaluationError ? error.code : '';
  const outOfBounds = /index (-?\d+)/.exec(summary)?.[1];
  if (code === 'index_out_of_bounds' && outOfBounds !== undefined)
    return `index out of bounds: ${outOfBounds}`;
  if (code === 'numeric_overflow') return 'integer overflow';
  if (code === 'modulo_by_zero') return 'modulus by zero';
  if (code === 'no_such_overload' || code === 'no_matching_overload') return 'no such overload';
  if (code === 'optional_value_missing') return 'optional.none() dereference';
  return summary.replace(/^No such key/, 'no such key');
}

function compilationFailed(error: unknown, text: string): string {
  if (error instanceof ParseError || error instanceof TypeMismatch || error instanceof EvaluationError) {
    const start = error.range?.start ?? 0;
    const [left] = Array.isArray(error.node?.args) ? (error.node.args as readonly Partial<Node>[]) : [];
    const { message, at } = mistake(error.summary, start, text, left?.end ?? start);
    return located(message, text, at);
  }
  return located(String((error as Error).message ?? error), text, 0);
}

/** In the words of cel-go, and where it points: at the dot of a field, at the operator between two operands. */
function mistake(
  summary: string,
  start: number,
  text: string,
  afterLeft: number,
): { readonly message: string; readonly at: number } {
  const [, name] = /^Unknown variable: (.*)$/.exec(summary) ?? [];
  if (name !== undefined)
    return { message: `undeclared reference to '${name}' (in container '')`, at: start };
  const [, field] = /^No such key: (.*)$/.exec(summary) ?? [];
  if (field !== undefined) return { message: `undefined field '${field}'`, at: start - 1 };
  const [, scalar] = /^Cannot index type '(.*)'$/.exec(summary) ?? [];
  if (scalar !== undefined)
    return { message: `type '${scalar}' does not support field selection`, at: start - 1 };
  const [, left, sign, right] = /^no such overload: (\S+) (\S+) (\S+)$/.exec(summary) ?? [];
  if (left === undefined) return { message: summary, at: start };
  return {
    message: `found no matching overload for '_${sign}_' applied to '(${left}, ${right})'`,
    at: Math.max(start, text.indexOf(String(sign), afterLeft)),
  };
}

function located(message: string, text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = text.split('\n')[before.length - 1] ?? '';
  return `compilation failed: ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

/**
 * The library takes `has(self.a.b)` and refuses `has(self.list[0].b)`, which is as good: that one becomes
 * `self.list[0].?b.hasValue()`.
 */
function withPlainHas(environment: Environment, text: string): string {
  let plain = text;
  for (const { op, args, start, end } of nodesOf(environment.parse(text).ast)) {
    if (op !== 'call' || (args as unknown[])[0] !== 'has') continue;
    const [field] = (args as [string, readonly Node[]])[1];
    if (field?.op !== '.' || isChain(field)) continue;
    const [, name] = field.args as [Node, string];
    const object = text.slice(field.start, field.end - name.length).replace(/\.\s*$/, '');
    plain = plain.replaceAll(text.slice(start, end), `${object}.?${name}.hasValue()`);
  }
  return plain;
}

function isChain({ op, args }: Node): boolean {
  return op === 'id' || (op === '.' && isChain((args as [Node])[0]));
}

/** The library knows `cel.bind`, an API server of this version does not. */
function withoutBind(nodes: readonly Node[], text: string): string | undefined {
  const found = nodes.find(({ op, args }) => op === 'rcall' && (args as [string, Node])[1].args === 'cel');
  return found && located("undeclared reference to 'cel' (in container '')", text, found.start);
}

/** Where the library has a function that is not quite the one of an API server, ours has another name. */
function callOurs({ op, args }: Node): void {
  if (op !== 'rcall') return;
  const call = args as [string];
  call[0] = OWN_NAMES[call[0]] ?? call[0];
}

/** has() is checked for its object only; a field that the schema does not know is a mistake there, too. */
function unknownField(environment: Environment, nodes: readonly Node[], text: string): string | undefined {
  for (const { op, args, start } of nodes) {
    if (op !== 'call' || (args as unknown[])[0] !== 'has') continue;
    const [field] = (args as [string, readonly Node[]])[1];
    if (field === undefined) continue;
    const { error } = environment.check(text.slice(field.start, field.end));
    if (error?.code === 'no_such_key')
      return located(mistake(error.summary, 0, text, 0).message, text, start + 'has'.length);
  }
  return undefined;
}

/**
 * The library compares lists item by item and knows nothing of the schemas behind them. Type checking has
 * given each operator the function it runs; where lists, maps and objects meet, that is ours.
 */
function compareBySchema(node: Node): void {
  if (node.op !== '==' && node.op !== '!=' && node.op !== '+') return;
  const [left, right] = node.args as readonly [Node, Node];
  const kinds = [left.checkedType?.kind, right.checkedType?.kind];
  if (node.op === '+') {
    if (kinds[0] === 'list' && kinds[1] === 'list')
      node.handle = (one, other) => joinLists(one as unknown[], other as unknown[]);
  } else if (kinds.some((kind) => kind !== 'primitive'))
    node.handle = node.op === '==' ? equalValues : (one, other) => !equalValues(one, other);
}

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  else if (typeof value === 'object' && value !== null && 'op' in value) {
    yield value as Node;
    yield* nodesOf((value as Node).args);
  }
}
