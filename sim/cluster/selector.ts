import { isQualifiedName, QUALIFIED_NAME_HINT } from './object-name.ts';
import { type SelectorToken, selectorTokens } from './selector-tokens.ts';
import { badRequest } from './status-errors.ts';

type Labels = Readonly<Record<string, string>>;

/** True when an object's labels, or selectable fields, fit. */
export type Selector = (values: Labels | undefined) => boolean;

const EVERYTHING: Selector = () => true;

/**
 * Reads a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`,
 * joined by commas. Throws BadRequest. Source: apimachinery, labels/selector.go (v0.32), words included.
 */
export function parseLabelSelector(text: string | undefined): Selector {
  if (text === undefined) return EVERYTHING;
  const tokens = new Tokens(selectorTokens(text));
  const terms: Selector[] = [];
  if (tokens.next.type === 'end') return EVERYTHING;
  if (tokens.next.type !== 'word' && tokens.next.type !== '!')
    throw badRequest(`found '${tokens.next.text}', expected: !, identifier, or 'end of string'`);
  for (;;) {
    terms.push(parseRequirement(tokens));
    const { type, text: found } = tokens.take();
    if (type === 'end') return (labels) => terms.every((term) => term(labels));
    if (type !== ',') throw badRequest(`found '${found}', expected: ',' or 'end of string'`);
    if (tokens.next.type !== 'word' && tokens.next.type !== '!')
      throw badRequest(`found '${tokens.next.text}', expected: identifier after ','`);
  }
}

class Tokens {
  readonly #tokens: readonly SelectorToken[];
  #index = 0;

  constructor(tokens: readonly SelectorToken[]) {
    this.#tokens = tokens;
  }

  get next(): SelectorToken {
    return this.#tokens[this.#index] ?? { type: 'end', text: '' };
  }

  take(): SelectorToken {
    const token = this.next;
    this.#index++;
    return token;
  }
}

function parseRequirement(tokens: Tokens): Selector {
  const negated = tokens.next.type === '!';
  if (negated) tokens.take();
  const { type, text: key } = tokens.take();
  if (type !== 'word') throw unparsable(`found '${key}', expected: identifier`);
  if (!isQualifiedName(key))
    throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${QUALIFIED_NAME_HINT}`);
  if (negated) return (labels) => labels?.[key] === undefined;
  if (tokens.next.type === 'end' || tokens.next.type === ',') return (labels) => labels?.[key] !== undefined;
  const operator = tokens.take().text;
  switch (operator) {
    case 'in':
    case 'notin':
      return oneOf(key, parseValues(tokens), operator === 'in');
    case '=':
    case '==':
    case '!=':
      return oneOf(key, [parseValue(tokens)], operator !== '!=');
    case '>':
    case '<':
      return compared(key, parseValue(tokens), operator);
    default:
      throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function oneOf(key: string, values: readonly string[], wanted: boolean): Selector {
  for (const [index, value] of values.entries()) checkValue(key, value, index);
  const among = new Set(values);
  return (labels) => {
    const value = labels?.[key];
    return (value !== undefined && among.has(value)) === wanted;
  };
}

function compared(key: string, bound: string, operator: '>' | '<'): Selector {
  if (!/^[+-]?\d+$/.test(bound))
    throw unparsable(
      `values[0]: Invalid value: ${JSON.stringify(bound)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  return (labels) => {
    const value = labels?.[key];
    if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
    return operator === '>' ? Number(value) > Number(bound) : Number(value) < Number(bound);
  };
}

function checkValue(key: string, value: string, index: number): void {
  const refuse = (why: string): Error =>
    unparsable(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${why}`);
  if (value.length > 63) throw refuse('must be no more than 63 characters');
  if (value !== '' && !/^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(value))
    throw refuse('a valid label must start and end with an alphanumeric character');
}

/** `(a,b)`; nothing between commas or parentheses is the empty value. */
function parseValues(tokens: Tokens): readonly string[] {
  const open = tokens.take();
  if (open.type !== '(') throw unparsable(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    const value = tokens.next.type === 'word' ? tokens.take().text : '';
    values.push(value);
    const { type, text: found } = tokens.take();
    if (type === ')') return values;
    if (type !== ',') throw unparsable(`found '${found}', expected: ',' or ')'`);
  }
}

function parseValue(tokens: Tokens): string {
  if (tokens.next.type === 'end' || tokens.next.type === ',') return '';
  const { type, text: value } = tokens.take();
  if (type !== 'word') throw unparsable(`found '${value}', expected: identifier`);
  return value;
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}

/**
 * Reads a field selector: `path=value`, `path==value`, `path!=value`, joined by commas;
 * `check` sees every path. Throws BadRequest. Source: apimachinery, fields/selector.go (v0.32).
 */
export function parseFieldSelector(text: string, check: (path: string) => void): Selector {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, path = '', operator, wanted = ''] = match;
      if (wanted.includes('=')) throw badRequest('invalid field selector: unescaped character in value: 61');
      return { path: path.trim(), wanted: wanted.trim(), differs: operator === '!=' };
    });
  for (const { path } of terms) check(path);
  return (fields) => terms.every(({ path, wanted, differs }) => (fields?.[path] === wanted) !== differs);
}

/** The name that a field selector pins `metadata.name` to, so that a list need not visit the others. */
export function selectedName(text: string | undefined): string | undefined {
  return /(?:^|,)\s*metadata\.name\s*==?\s*([^,\s]+)/.exec(text ?? '')?.[1];
}
