import { badRequest } from './status-errors.ts';

type Labels = Readonly<Record<string, string>>;

/** True when an object's labels, or selectable fields, fit. */
export type Selector = (values: Labels | undefined) => boolean;

const EVERYTHING: Selector = () => true;

/**
 * Reads a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
 * Throws BadRequest. Source: Kubernetes documentation, "Labels and Selectors".
 */
export function parseLabelSelector(text: string | undefined): Selector {
  if (text === undefined || text.trim() === '') return EVERYTHING;
  const terms = splitTerms(text).map((term) => parseTerm(term, text));
  return (labels) => terms.every((term) => term(labels));
}

/** Reads a field selector: `path=value`, `path==value`, `path!=value`, joined by commas. Throws BadRequest. */
export function parseFieldSelector(text: string | undefined): Selector {
  if (text === undefined || text.trim() === '') return EVERYTHING;
  const terms = text.split(',').map((term) => {
    const match = /^\s*([^=!\s]+)\s*(==|!=|=)\s*(.*?)\s*$/.exec(term);
    if (match === null) throw badRequest(`invalid selector: ${JSON.stringify(term)}; can't understand it`);
    const [, path = '', operator, wanted = ''] = match;
    return { path, wanted, differs: operator === '!=' };
  });
  return (fields) =>
    terms.every(({ path, wanted, differs }) => {
      const actual = fields?.[path];
      if (actual === undefined) throw badRequest(`field label not supported: ${path}`);
      return (actual === wanted) !== differs;
    });
}

/** The name that a field selector pins `metadata.name` to, so that a list need not visit the others. */
export function selectedName(text: string | undefined): string | undefined {
  return /(?:^|,)\s*metadata\.name\s*==?\s*([^,\s]+)/.exec(text ?? '')?.[1];
}

const KEY = /^([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?\/)?[a-zA-Z0-9]([-\w.]*[a-zA-Z0-9])?$/;

function parseTerm(term: string, whole: string): Selector {
  const refuse = (): Error =>
    badRequest(`unable to parse requirement: ${JSON.stringify(term)} in ${JSON.stringify(whole)}`);
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    if (!KEY.test(key)) throw refuse();
    const values = new Set(list.split(',').map((value) => value.trim()));
    return operator === 'in'
      ? (labels) => labels?.[key] !== undefined && values.has(labels[key])
      : (labels) => labels?.[key] === undefined || !values.has(labels[key]);
  }
  const pair = /^([^=!\s]+)\s*(==|!=|=)\s*(\S*)$/.exec(term);
  if (pair !== null) {
    const [, key = '', operator, wanted = ''] = pair;
    if (!KEY.test(key)) throw refuse();
    return operator === '!=' ? (labels) => labels?.[key] !== wanted : (labels) => labels?.[key] === wanted;
  }
  const absent = term.startsWith('!');
  const key = absent ? term.slice(1).trim() : term;
  if (!KEY.test(key)) throw refuse();
  return absent ? (labels) => labels?.[key] === undefined : (labels) => labels?.[key] !== undefined;
}

/** Splits at commas outside parentheses. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= text.length; index++) {
    const char = text[index];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === undefined || (char === ',' && depth === 0)) {
      terms.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return terms;
}
