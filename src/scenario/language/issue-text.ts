import { z } from 'zod';
import { nearestName, suggest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { type Path, pathText, type YamlSource } from './yaml-source.ts';

/** Says a schema's complaints in our words, each at its place. */
export function problemsOf(source: YamlSource, schema: z.ZodType, error: z.ZodError): Problem[] {
  const meant = misspeltKeys(schema, error.issues);
  const told = error.issues.filter(
    (issue) => issue.code !== 'invalid_type' || !meant.has(pathText(issue.path as Path)),
  );
  return told.flatMap((issue) => describeIssue(source, schema, issue));
}

/** Paths of the keys that misspelt ones were meant to be: that those are missing need not be said as well. */
function misspeltKeys(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const path = issue.path as Path;
    for (const key of issue.keys) {
      const nearest = nearestName(key, knownKeys(schema, path));
      if (nearest !== undefined) meant.add(pathText([...path, nearest]));
    }
  }
  return meant;
}

function describeIssue(source: YamlSource, schema: z.ZodType, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path as Path;
  const where = path.length === 0 ? 'the scenario' : pathText(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = knownKeys(schema, path);
        return source.problemAtKey([...path, key], `unknown key "${key}" in ${where}${suggest(key, known)}`);
      });
    case 'invalid_key': {
      const message = issue.issues[0]?.message ?? 'is not a key';
      return [source.problemAtKey(path, `"${String(path.at(-1))}" ${message}`)];
    }
    case 'invalid_value': {
      const value = valueAt(source.value, path);
      if (value === undefined) return [missing(source, path)];
      const known = issue.values.map(String);
      return [
        source.problemAt(path, `unknown ${noun(path)} "${String(value)}"${suggest(String(value), known)}`),
      ];
    }
    case 'invalid_union': {
      if (valueAt(source.value, path) === undefined) return [missing(source, path)];
      // With one branch that got further than the type of the value, its complaint is the useful one.
      const deep = issue.errors.filter((branch) =>
        branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
      );
      if (deep.length !== 1) return [source.problemAt(path, `${where} ${issue.message}`)];
      return (deep[0] ?? []).flatMap((inner) =>
        describeIssue(source, schema, { ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue),
      );
    }
    case 'invalid_type': {
      const value = valueAt(source.value, path);
      if (value === undefined) return [missing(source, path)];
      if (value === null)
        return [source.problemAt(path, `${where} is empty; give it a value or leave it out`)];
      const plain = issue.message.startsWith('Invalid input');
      return [
        source.problemAt(
          path,
          plain ? `${where} must be ${article(issue.expected)}` : `${where}: ${issue.message}`,
        ),
      ];
    }
    case 'too_small':
      return [source.problemAt(path, `${where} must be at least ${issue.minimum}${unit(issue.origin)}`)];
    case 'too_big':
      return [source.problemAt(path, `${where} must be at most ${issue.maximum}${unit(issue.origin)}`)];
    case 'invalid_format':
      return [source.problemAt(path, `${where} ${issue.message}`)];
    default:
      return [source.problemAt(path, `${where}: ${issue.message}`)];
  }
}

function missing(source: YamlSource, path: Path): Problem {
  const parent = path.slice(0, -1);
  const where = parent.length === 0 ? 'the scenario' : pathText(parent);
  return source.problemAt(parent, `"${String(path.at(-1))}" is missing in ${where}`);
}

/** What the value under `path` is, in a word: the key, or for list members the list's key. */
function noun(path: Path): string {
  const key = path.findLast((part) => typeof part === 'string');
  return (
    { always: 'property', sometimes: 'property', heal: 'fault', chips: 'chip' }[String(key)] ??
    String(key ?? 'value')
  );
}

function article(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    object: 'a map of keys',
    record: 'a map of keys',
    array: 'a list',
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return words[expected] ?? `a ${expected}`;
}

function unit(origin: string): string {
  return origin === 'array' ? ' long' : origin === 'string' ? ' characters long' : '';
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

/** Keys that the schema knows at `path`; where a union stands in the way, those of every branch. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((found) => keysOf(found)))];
}

function keysOf(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum)
    return schema.keyType.options.map(String);
  return [];
}

function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  if (schema instanceof z.ZodOptional) return schemasAt(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodPipe) return schemasAt(schema.in as z.ZodType, path);
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => schemasAt(option as z.ZodType, path));
  const [part, ...rest] = path;
  if (part === undefined) return [schema];
  if (schema instanceof z.ZodArray) return schemasAt(schema.element as z.ZodType, rest);
  if (schema instanceof z.ZodRecord) return schemasAt(schema.valueType as z.ZodType, rest);
  if (schema instanceof z.ZodObject && Object.hasOwn(schema.shape, part))
    return schemasAt(schema.shape[part] as z.ZodType, rest);
  return [];
}
