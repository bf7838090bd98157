import type { CompiledSchema } from './crd-schema.ts';
import type { KubeCause } from './error.ts';
import { forbiddenValue, invalidValue, requiredValue } from './field-cause.ts';

/** One `x-kubernetes-validations` entry, ready to run. */
export interface CompiledRule {
  readonly rule: string;
  readonly message: string;
  readonly reason: string;
  /** Rules that read `oldSelf` do not run on creation. */
  readonly needsOld: boolean;
  readonly holds: (self: unknown, oldSelf: unknown) => boolean;
}

/** Returns a refusal in words when the rule is not one this house gives a meaning to. */
export function compileRule(source: Readonly<Record<string, unknown>>): CompiledRule | string {
  const rule = source.rule;
  if (typeof rule !== 'string' || rule.trim() === '') return 'rule is required';
  if (rule.replaceAll(/\s/g, '') !== 'self==oldSelf')
    return `CEL beyond "self == oldSelf" is not evaluated by this server: ${rule}`;
  return {
    rule,
    message: typeof source.message === 'string' ? source.message : `failed rule: ${rule}`,
    reason: typeof source.reason === 'string' ? source.reason : 'FieldValueInvalid',
    needsOld: true,
    holds: equal,
  };
}

/** The complaint when `value` breaks the rule. */
export function broken(
  rule: CompiledRule,
  schema: CompiledSchema,
  value: unknown,
  previous: unknown,
  path: string,
): KubeCause | undefined {
  if ((rule.needsOld && previous === undefined) || rule.holds(value, previous)) return undefined;
  if (rule.reason === 'FieldValueForbidden') return forbiddenValue(path, rule.message);
  if (rule.reason === 'FieldValueRequired') return requiredValue(path, rule.message);
  return { ...invalidValue(path, schema.type ?? 'any', rule.message), reason: rule.reason };
}

function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const keys = Object.keys(left);
  if (Array.isArray(left) !== Array.isArray(right) || keys.length !== Object.keys(right).length) return false;
  return keys.every((key) =>
    equal((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  );
}
