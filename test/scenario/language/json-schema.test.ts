import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { scenarioJsonSchema } from '../../../src/scenario/language/schema.ts';
import { STORY } from '../story.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly required?: readonly string[];
  readonly pattern?: string;
}

/** Keys of the value that the schema does not know, by path; enough of JSON Schema for a file without mistakes. */
function unknownKeys(schema: Node, value: unknown, path = ''): string[] {
  if (schema.anyOf !== undefined) {
    const found = schema.anyOf.map((branch) => unknownKeys(branch, value, path));
    return found.find((keys) => keys.length === 0) ?? found[0] ?? [];
  }
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      schema.items ? unknownKeys(schema.items, item, `${path}[${index}]`) : [`${path}[]`],
    );
  if (typeof value === 'string' && schema.pattern !== undefined)
    return new RegExp(schema.pattern).test(value) ? [] : [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = schema.properties?.[key] ?? schema.additionalProperties;
    if (known === undefined || known === false) return [`${path}.${key}`];
    return known === true ? [] : unknownKeys(known, inner, `${path}.${key}`);
  });
}

const schema = scenarioJsonSchema() as Node;

test('the schema for editors knows every key of a scenario, and its units', () => {
  expect(unknownKeys(schema, parse(STORY))).toEqual([]);
  expect(unknownKeys(schema, parse(STORY.replace('boards: 20', 'bords: 20')))).toEqual(['.fleet[0].bords']);
  expect(unknownKeys(schema, parse(STORY.replace('900KiB', '"900"')))).toEqual([
    '.firmware.thermo:1.0.0.size: 900',
  ]);
});

test('it says what must be there', () => {
  expect(schema.required).toEqual(['apiVersion', 'kind', 'metadata', 'firmware', 'fleet', 'steps']);
});
