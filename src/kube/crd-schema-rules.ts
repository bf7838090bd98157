import { mostCost } from './cel/cost.ts';
import { kubernetesEnvironment, optional } from './cel/environment.ts';
import { compileExpression, type Expression } from './cel/expression.ts';
import { SchemaTypes } from './cel/schema-type.ts';
import { countThatFits } from './cel/value-size.ts';
import type { RuleCosts } from './crd-schema-costs.ts';
import { compileFieldPath } from './crd-schema-path.ts';
import type { KubeCause } from './error.ts';
import { duplicateValue, forbiddenValue, invalidValue, requiredValue } from './field-cause.ts';
import { type JsonRecord, recordsOf } from './json-record.ts';

/** One `x-kubernetes-validations` entry, ready to run. */
export interface CompiledRule {
  /** The rule or its message, whichever names it better. */
  readonly title: string;
  readonly message: string;
  readonly reason: string;
  /** Below the node that the rule stands at; empty for the node itself. */
  readonly fieldPath: string;
  readonly expression: Expression;
  readonly messageExpression: Expression | undefined;
  /** The rule takes its old value as an optional, and so runs without one, too. */
  readonly optionalOldSelf: boolean;
}

/** What of one node's rules can run, and the complaints about the others. */
export interface NodeRules {
  readonly rules: readonly CompiledRule[];
  /** The node's value as rules see it. */
  readonly read: (value: unknown) => unknown;
}

export const NO_RULES: NodeRules = { rules: [], read: (value) => value };

/** Where in a schema a node stands. */
export interface RulePlace {
  readonly path: string;
  readonly causes: KubeCause[];
  /** The node describes whole objects. */
  readonly isResource: boolean;
  /** The list above whose items cannot be told from their predecessors. */
  readonly uncorrelatable: string | undefined;
  /** How many values of the node an object can have; undefined where nothing limits them. */
  readonly cardinality: number | undefined;
  readonly costs: RuleCosts;
}

/**
 * Compiles the rules of one schema node.
 * Source: apiextensions-apiserver v0.32, pkg/apiserver/schema/cel/compilation.go.
 */
export function compileRules(source: JsonRecord, place: RulePlace): NodeRules {
  const { path, causes, isResource, uncorrelatable, costs } = place;
  const entries = recordsOf(source['x-kubernetes-validations']);
  if (entries.length === 0) return NO_RULES;
  const environment = kubernetesEnvironment();
  const { nullable: _, ...plain } = source;
  const type = new SchemaTypes(environment).declare(plain, isResource);
  const at = `${path}.x-kubernetes-validations`;
  if (type === undefined) {
    const detail = 'internal error: failed to retrieve type information for x-kubernetes-validations';
    causes.push({ reason: 'InternalError', message: `Internal error: ${detail}`, field: at });
    return NO_RULES;
  }
  environment.registerVariable('self', type.name);
  const plainly = environment.clone().registerVariable('oldSelf', type.name);
  const optionally = environment.clone().registerVariable('oldSelf', `optional<${type.name}>`);
  const times = place.cardinality ?? countThatFits(type.size);
  const rules: CompiledRule[] = [];
  for (const [index, entry] of entries.entries()) {
    const context = entry.optionalOldSelf === true ? optionally : plainly;
    const expression = compileExpression(context, String(entry.rule), 'bool');
    const found = typeof expression === 'string' ? expression : undefined;
    if (found !== undefined) causes.push(invalidRule(`${at}[${index}].rule`, entry, found));
    if (typeof expression === 'string') continue;
    costs.observe(mostCost(expression.root, type) * times, 'rule', `${at}[${index}].rule`, causes);
    complainOfOldSelf(entry, expression, `${at}[${index}]`, uncorrelatable, causes);
    const words = entry.messageExpression;
    const message = typeof words === 'string' ? compileExpression(context, words, 'string') : undefined;
    if (typeof message === 'string')
      causes.push(
        invalidRule(
          `${at}[${index}].messageExpression`,
          entry,
          message.startsWith('compilation failed') ? `messageExpression ${message}` : message,
        ),
      );
    else {
      if (message !== undefined)
        costs.observe(
          mostCost(message.root, type),
          'messageExpression',
          `${at}[${index}].messageExpression`,
          causes,
        );
      rules.push(compiledRule(source, entry, expression, message));
    }
  }
  return { rules, read: type.read };
}

function compiledRule(
  source: JsonRecord,
  entry: JsonRecord,
  expression: Expression,
  messageExpression: Expression | undefined,
): CompiledRule {
  const given = typeof entry.message === 'string' ? entry.message.trim() : '';
  const title = given === '' ? String(entry.rule).trim() : given;
  return {
    title,
    message: given === '' ? `failed rule: ${title}` : given,
    reason: typeof entry.reason === 'string' ? entry.reason : 'FieldValueInvalid',
    fieldPath:
      typeof entry.fieldPath === 'string' ? (compileFieldPath(source, entry.fieldPath)?.text ?? '') : '',
    expression,
    messageExpression,
    optionalOldSelf: entry.optionalOldSelf === true,
  };
}

function complainOfOldSelf(
  entry: JsonRecord,
  { usesOldSelf }: Expression,
  path: string,
  uncorrelatable: string | undefined,
  causes: KubeCause[],
): void {
  if (usesOldSelf && uncorrelatable !== undefined)
    causes.push(
      invalidValue(
        `${path}.rule`,
        entry.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
      ),
    );
  if (!usesOldSelf && entry.optionalOldSelf !== undefined)
    causes.push(
      invalidValue(
        `${path}.optionalOldSelf`,
        entry.optionalOldSelf,
        'may not be set if oldSelf is not used in rule',
      ),
    );
}

/** The entry stands in the message as Go prints it. */
function invalidRule(field: string, entry: JsonRecord, detail: string): KubeCause {
  const text = (name: string): string => JSON.stringify(entry[name] ?? '');
  const pointer = (name: string, type: string): string =>
    entry[name] === undefined ? `(*${type})(nil)` : `(*${type})(${JSON.stringify(entry[name])})`;
  const value = `apiextensions.ValidationRule{Rule:${text('rule')}, Message:${text('message')}, MessageExpression:${text('messageExpression')}, Reason:${pointer('reason', 'apiextensions.FieldValueErrorReason')}, FieldPath:${text('fieldPath')}, OptionalOldSelf:${pointer('optionalOldSelf', 'bool')}}`;
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${detail}`, field };
}

/**
 * Adds to `causes` what a rule has against a value; `previous` is the one that it replaces, if any.
 * `unchanged` values are spared by rules that look at nothing else (ratcheting).
 * Source: apiextensions-apiserver v0.32, pkg/apiserver/schema/cel/validation.go.
 */
export function applyRules(
  { rules, read }: NodeRules,
  type: string | undefined,
  value: unknown,
  previous: unknown,
  unchanged: boolean,
  path: string,
  causes: KubeCause[],
): void {
  let variables: { self: unknown; oldSelf?: unknown } | undefined;
  for (const rule of rules) {
    const { usesOldSelf } = rule.expression;
    if (usesOldSelf ? previous === undefined && !rule.optionalOldSelf : unchanged) continue;
    variables ??= { self: read(value), ...(previous !== undefined && { oldSelf: read(previous) }) };
    const cause = brokenBy(rule, type, variables, path);
    if (cause !== undefined) causes.push(cause);
  }
}

function brokenBy(
  rule: CompiledRule,
  type: string | undefined,
  variables: { self: unknown; oldSelf?: unknown },
  path: string,
): KubeCause | undefined {
  const given = rule.optionalOldSelf ? { ...variables, oldSelf: optional(variables.oldSelf) } : variables;
  const result = rule.expression.evaluate(given);
  const kind = type ?? '';
  if (!result.ok) {
    const detail = result.error.startsWith('no such overload')
      ? `'${result.error}': call arguments did not match a supported operator, function or macro signature for rule: ${rule.title}`
      : `${result.error} evaluating rule: ${rule.title}`;
    return invalidValue(path, kind, detail);
  }
  if (result.value === true) return undefined;
  const message = evaluatedMessage(rule, given) ?? rule.message;
  const field = rule.fieldPath === '' ? path : path === '' ? rule.fieldPath : `${path}.${rule.fieldPath}`;
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenValue(field, message);
    case 'FieldValueRequired':
      return requiredValue(field, message);
    case 'FieldValueDuplicate':
      return duplicateValue(field, kind);
    default:
      return invalidValue(field, kind, message);
  }
}

/** Undefined when there is no expression, or none that gives one line of text. */
function evaluatedMessage(
  rule: CompiledRule,
  variables: { self: unknown; oldSelf?: unknown },
): string | undefined {
  const result = rule.messageExpression?.evaluate(variables);
  if (result?.ok !== true || typeof result.value !== 'string') return undefined;
  const message = result.value.trim();
  return message === '' || message.length > 5 * 1024 || message.includes('\n') ? undefined : message;
}
