import { isRecord, type JsonRecord } from './json-record.ts';

/** A place inside objects of a schema. */
export interface FieldPath {
  /** As complaints name it: `spec.limits[hot]`. */
  readonly text: string;
  /** The names on the way. */
  readonly names: readonly string[];
  /** The schema of what stands there. */
  readonly schema: JsonRecord;
}

/**
 * Reads `.spec.name` or `.spec['odd.name']` as a path that `schema` knows; undefined when it is none.
 * Items of lists cannot be named. Source: apiextensions-apiserver v0.32, ValidFieldPath.
 */
export function compileFieldPath(schema: JsonRecord, path: string): FieldPath | undefined {
  let found: JsonRecord = schema;
  let [text, rest] = ['', path];
  const names: string[] = [];
  while (rest !== '') {
    const member = /^\.([^.[\]]+)/.exec(rest);
    const quoted = /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest);
    const step = member ?? quoted;
    const name = member?.[1] ?? quoted?.[1]?.replaceAll(/\\(.)/g, '$1');
    if (step === null || name === undefined) return undefined;
    const { properties, additionalProperties } = found;
    const next = isRecord(properties) ? properties[name] : additionalProperties;
    if (!isRecord(next)) return undefined;
    text += isRecord(properties) ? `${text === '' ? '' : '.'}${name}` : `[${name}]`;
    names.push(name);
    found = next;
    rest = rest.slice(step[0].length);
  }
  return { text, names, schema: found };
}
