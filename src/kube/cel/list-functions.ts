import type { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { equalValues } from './cel-object.ts';

const DURATION = 'google.protobuf.Duration';
const COMPARABLE = [
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  DURATION,
  'google.protobuf.Timestamp',
] as const;

type List = readonly unknown[];

/** Source: k8s.io/apiserver v0.32, pkg/cel/library/lists.go; cel-go, ext/sets.go. */
export function addListFunctions(environment: Environment): void {
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  for (const type of COMPARABLE) {
    add(`list<${type}>.isSorted(): bool`, (list: List) =>
      list.every((item, index) => index === 0 || compareValues(list[index - 1], item) <= 0),
    );
    add(`list<${type}>.min(): ${type}`, (list: List) => extreme(list, 'min', -1));
    add(`list<${type}>.max(): ${type}`, (list: List) => extreme(list, 'max', 1));
  }
  add('list<int>.sum(): int', (list: readonly bigint[]) => list.reduce((sum, one) => sum + one, 0n));
  add('list<double>.sum(): double', (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0));
  add(`list<${DURATION}>.sum(): ${DURATION}`, (list: readonly Duration[]) =>
    list.reduce((sum, one) => sum.addDuration(one), new Duration(0)),
  );
  add('list<A>.indexOf(A): int', (list: List, wanted: unknown) =>
    BigInt(list.findIndex((item) => equalValues(item, wanted))),
  );
  add('list<A>.lastIndexOf(A): int', (list: List, wanted: unknown) =>
    BigInt(list.findLastIndex((item) => equalValues(item, wanted))),
  );
  addSets(environment, add);
}

/** What `sets` is in `sets.contains(...)`. */
class Sets {}

function addSets(
  environment: Environment,
  add: (signature: string, handler: (...values: never[]) => unknown) => void,
): void {
  environment.registerType('Sets', { ctor: Sets, fields: {} }).registerConstant('sets', 'Sets', new Sets());
  const holds = (list: List, wanted: unknown): boolean => list.some((item) => equalValues(item, wanted));
  const contains = (list: List, part: List): boolean => part.every((item) => holds(list, item));
  add('Sets.contains(list<A>, list<A>): bool', (_: Sets, list: List, part: List) => contains(list, part));
  add(
    'Sets.equivalent(list<A>, list<A>): bool',
    (_: Sets, list: List, other: List) => contains(list, other) && contains(other, list),
  );
  add('Sets.intersects(list<A>, list<A>): bool', (_: Sets, list: List, other: List) =>
    other.some((item) => holds(list, item)),
  );
}

/** Below 0 when `left` comes first; both of one comparable type. */
function compareValues(left: unknown, right: unknown): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  const [a, b] = [(left as bigint).valueOf(), (right as bigint).valueOf()];
  return a < b ? -1 : a > b ? 1 : 0;
}

function extreme(list: List, name: string, sign: number): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return list.reduce((best, item) => (compareValues(item, best) * sign > 0 ? item : best));
}
