import type { Environment } from '@marcbachmann/cel-js';

/** Powers of ten and of two behind the suffixes. Source: apimachinery, pkg/api/resource/suffix.go. */
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const NANO = 1_000_000_000n;
const INT64_MAX = 2n ** 63n - 1n;

/** An amount such as `1.5Gi` or `200m`, exact to a billionth, finer parts rounded up. */
export class Quantity {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }

  /** Undefined for what is no quantity. */
  static parse(text: string): Quantity | undefined {
    const match = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
    if (match === null) return undefined;
    const [, sign, number = '', exponent, suffix = ''] = match;
    const [whole = '', fraction = ''] = number.split('.');
    const power = exponent === undefined ? (DECIMAL[suffix] ?? 0) : Number(exponent.slice(1));
    let scaled = BigInt((whole + fraction).slice(0, 200) || '0') << (BINARY[suffix] ?? 0n);
    const tens = power + 9 - fraction.length;
    if (tens >= 0) scaled *= 10n ** BigInt(Math.min(tens, 400));
    else {
      const divisor = 10n ** BigInt(Math.min(-tens, 400));
      scaled = (scaled + divisor - 1n) / divisor;
    }
    return new Quantity(sign === '-' ? -scaled : scaled);
  }

  valueOf(): bigint {
    return this.nanos;
  }

  get isWhole(): boolean {
    const whole = this.nanos / NANO;
    return this.nanos % NANO === 0n && whole <= INT64_MAX && whole >= -INT64_MAX - 1n;
  }
}

/** Source: k8s.io/apiserver v0.32, pkg/cel/library/quantity.go. */
export function addQuantities(environment: Environment): void {
  const type = 'Quantity';
  environment
    .registerType(type, { ctor: Quantity, fields: {} })
    .registerOperator(`${type} == ${type}`, (left: Quantity, right: Quantity) => left.nanos === right.nanos);
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  const compare = (left: Quantity, right: Quantity): bigint =>
    left.nanos < right.nanos ? -1n : left.nanos > right.nanos ? 1n : 0n;
  add(`quantity(string): ${type}`, (text: string) => {
    const quantity = Quantity.parse(text);
    if (quantity === undefined)
      throw new Error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    return quantity;
  });
  add('isQuantity(string): bool', (text: string) => Quantity.parse(text) !== undefined);
  add(`${type}.isInteger(): bool`, (quantity: Quantity) => quantity.isWhole);
  add(`${type}.asInteger(): int`, (quantity: Quantity) => {
    if (!quantity.isWhole) throw new Error('cannot convert value to integer');
    return quantity.nanos / NANO;
  });
  add(`${type}.asApproximateFloat(): double`, (quantity: Quantity) => Number(quantity.nanos) / Number(NANO));
  add(`sign(${type}): int`, (quantity: Quantity) => compare(quantity, new Quantity(0n)));
  add(
    `${type}.add(${type}): ${type}`,
    (left: Quantity, right: Quantity) => new Quantity(left.nanos + right.nanos),
  );
  add(
    `${type}.add(int): ${type}`,
    (left: Quantity, right: bigint) => new Quantity(left.nanos + right * NANO),
  );
  add(
    `${type}.sub(${type}): ${type}`,
    (left: Quantity, right: Quantity) => new Quantity(left.nanos - right.nanos),
  );
  add(
    `${type}.sub(int): ${type}`,
    (left: Quantity, right: bigint) => new Quantity(left.nanos - right * NANO),
  );
  add(`${type}.isLessThan(${type}): bool`, (left: Quantity, right: Quantity) => compare(left, right) < 0n);
  add(`${type}.isGreaterThan(${type}): bool`, (left: Quantity, right: Quantity) => compare(left, right) > 0n);
  add(`${type}.compareTo(${type}): int`, compare);
}
