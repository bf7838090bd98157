import { compileFieldPath } from './crd-schema-path.ts';
import type { KubeCause } from './error.ts';
import { forbiddenValue, invalidValue, requiredValue, unsupportedValue } from './field-cause.ts';
import { isRecord, type JsonRecord, recordOf, recordsOf } from './json-record.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

interface Place {
  readonly isRoot: boolean;
  /** Why defaults may not stand here; undefined where they may. */
  readonly noDefaults: string | undefined;
  /** Inside the metadata of the object itself or of one that is embedded in it. */
  readonly insideMeta: boolean;
}

/**
 * What is wrong with a schema beside its structure: keywords, and what contradicts itself.
 * Source: apiextensions-apiserver v0.32, ValidateCustomResourceDefinitionOpenAPISchema.
 */
export function openApiComplaints(schema: JsonRecord, path: string): KubeCause[] {
  const causes: KubeCause[] = [];
  checkNode(schema, { isRoot: true, noDefaults: undefined, insideMeta: false }, path, causes);
  return causes;
}

function checkNode(schema: JsonRecord, place: Place, path: string, causes: KubeCause[]): void {
  checkKeywords(schema, place, path, causes);
  const { additionalProperties, properties, items } = schema;
  if (additionalProperties !== undefined) {
    const isEmpty = Object.keys(recordOf(properties)).length === 0;
    if (!isEmpty && additionalProperties !== true)
      causes.push(
        forbiddenValue(
          `${path}.additionalProperties`,
          'additionalProperties and properties are mutual exclusive',
        ),
      );
    const noDefaults = place.insideMeta
      ? 'inside additionalProperties applying to object metadata'
      : place.noDefaults;
    if (isRecord(additionalProperties))
      checkNode(
        additionalProperties,
        { ...place, isRoot: false, noDefaults },
        `${path}.additionalProperties`,
        causes,
      );
  }
  const isResource = place.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of Object.entries(recordOf(properties))) {
    const insideMeta = place.insideMeta || (isResource && ['metadata', 'kind', 'apiVersion'].includes(name));
    const noDefaults =
      place.isRoot && insideMeta && !place.insideMeta ? `in top-level ${name}` : place.noDefaults;
    checkNode(
      recordOf(property),
      { isRoot: false, insideMeta, noDefaults },
      `${path}.properties[${name}]`,
      causes,
    );
  }
  const below = { ...place, isRoot: false };
  if (isRecord(schema.not)) checkNode(schema.not, below, `${path}.not`, causes);
  for (const junctor of ['allOf', 'oneOf', 'anyOf'])
    for (const [index, part] of recordsOf(schema[junctor]).entries())
      checkNode(part, below, `${path}.${junctor}[${index}]`, causes);
  if (isRecord(items)) checkNode(items, below, `${path}.items`, causes);
  checkMapType(schema, path, causes);
  checkListType(schema, path, causes);
  for (const [index, rule] of recordsOf(schema['x-kubernetes-validations']).entries())
    checkRule(schema, rule, `${path}.x-kubernetes-validations[${index}]`, causes);
}

function checkKeywords(schema: JsonRecord, place: Place, path: string, causes: KubeCause[]): void {
  const { type } = schema;
  if (type !== undefined && !(typeof type === 'string' && TYPES.includes(type)))
    causes.push(unsupportedValue(`${path}.type`, type, TYPES));
  if (schema.default !== undefined && place.noDefaults !== undefined)
    causes.push(forbiddenValue(`${path}.default`, `must not be set ${place.noDefaults}`));
  for (const keyword of UNSUPPORTED)
    if (schema[keyword] !== undefined)
      causes.push(forbiddenValue(`${path}.${keyword}`, `${keyword} is not supported`));
  if (type === 'null')
    causes.push(forbiddenValue(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items))
    causes.push(forbiddenValue(`${path}.items`, 'items must be a schema object and not an array'));
  if (place.insideMeta && schema['x-kubernetes-embedded-resource'] === true)
    causes.push(
      forbiddenValue(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'),
    );
  if (schema.uniqueItems === true)
    causes.push(
      forbiddenValue(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    causes.push(
      invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'),
    );
}

function wrongType(schema: JsonRecord, wanted: string, keyword: string, path: string): KubeCause[] {
  if (schema[keyword] === undefined || schema.type === wanted) return [];
  const detail = `must be ${wanted} if ${keyword} is specified`;
  return [
    schema.type === undefined
      ? requiredValue(`${path}.type`, detail)
      : invalidValue(`${path}.type`, schema.type, detail),
  ];
}

function checkMapType(schema: JsonRecord, path: string, causes: KubeCause[]): void {
  const keyword = 'x-kubernetes-map-type';
  const mapType = schema[keyword];
  causes.push(...wrongType(schema, 'object', keyword, path));
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular')
    causes.push(unsupportedValue(`${path}.${keyword}`, mapType, ['atomic', 'granular']));
}

function checkListType(schema: JsonRecord, path: string, causes: KubeCause[]): void {
  const [keyword, keysKeyword] = ['x-kubernetes-list-type', 'x-kubernetes-list-map-keys'];
  const listType = schema[keyword];
  const keys = Array.isArray(schema[keysKeyword]) ? schema[keysKeyword].map(String) : [];
  const items = isRecord(schema.items) ? schema.items : undefined;
  const at = `${path}.${keyword}`;
  const wrong = wrongType(schema, 'array', keyword, path);
  causes.push(...wrong);
  if (wrong.length === 0 && listType === 'set' && items !== undefined) {
    const atomic = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    if (items.type === 'array' && items[keyword] !== undefined && items[keyword] !== 'atomic')
      causes.push(invalidValue(`${path}.items.${keyword}`, items[keyword], atomic));
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
      causes.push(invalidValue(`${path}.items.x-kubernetes-map-type`, null, atomic));
  }
  if (listType !== undefined && listType !== 'atomic' && listType !== 'set' && listType !== 'map')
    causes.push(unsupportedValue(at, listType, ['atomic', 'set', 'map']));
  if (keys.length > 0 && listType !== 'map') {
    const detail = `must be map if ${keysKeyword} is non-empty`;
    causes.push(listType === undefined ? requiredValue(at, detail) : invalidValue(at, listType, detail));
  }
  if ((listType === 'set' || listType === 'map') && items?.nullable === true)
    causes.push(
      forbiddenValue(`${path}.items.nullable`, `cannot be nullable when ${keyword} is ${listType}`),
    );
  if (listType === 'map') checkKeys(keys, items, path, causes);
}

function checkKeys(
  keys: readonly string[],
  items: JsonRecord | undefined,
  path: string,
  causes: KubeCause[],
): void {
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) causes.push(requiredValue(at, 'must not be empty if x-kubernetes-list-type is map'));
  if (items === undefined) {
    causes.push(requiredValue(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
    return;
  }
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    causes.push(invalidValue(`${path}.items.type`, items.type ?? '', detail));
    return;
  }
  const required = Array.isArray(items.required) ? items.required : [];
  for (const [index, key] of keys.entries()) {
    const property = recordOf(items.properties)[key];
    const keyAt = `${path}.items.properties[${key}]`;
    if (!isRecord(property))
      causes.push(invalidTexts(at, keys, 'entries must all be names of item properties'));
    else {
      if (property.type === 'array' || property.type === 'object')
        causes.push(
          invalidValue(
            `${keyAt}.type`,
            items.type,
            "must be a scalar type if parent array's x-kubernetes-list-type is map",
          ),
        );
      const title = 'this property is in x-kubernetes-list-map-keys, so it';
      if (!required.includes(key) && property.default === undefined)
        causes.push(
          requiredValue(`${keyAt}.default`, `${title} must have a default or be a required property`),
        );
      if (property.nullable === true)
        causes.push(forbiddenValue(`${keyAt}.nullable`, `${title} cannot be nullable`));
    }
    if (keys.indexOf(key) < index) causes.push(invalidTexts(at, keys, 'must not contain duplicate entries'));
  }
}

function invalidTexts(field: string, texts: readonly string[], detail: string): KubeCause {
  const value = `[]string{${texts.map((text) => JSON.stringify(text)).join(', ')}}`;
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${detail}`, field };
}

function checkRule(schema: JsonRecord, entry: JsonRecord, path: string, causes: KubeCause[]): void {
  const text = (name: string): string => (typeof entry[name] === 'string' ? entry[name] : '');
  const [rule, message, fieldPath] = [text('rule'), text('message'), text('fieldPath')];
  const isBroken = (value: string): boolean => /[\r\n]/.test(value.trim());
  if (rule.trim() === '') causes.push(requiredValue(`${path}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '')
    causes.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'));
  else if (isBroken(message))
    causes.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'));
  else if (isBroken(rule) && message === '')
    causes.push(requiredValue(`${path}.message`, 'message must be specified if rule contains line breaks'));
  const expression = text('messageExpression');
  if (expression !== '' && expression.trim() === '')
    causes.push(
      requiredValue(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'),
    );
  if (entry.reason !== undefined && !REASONS.includes(String(entry.reason)))
    causes.push(unsupportedValue(`${path}.reason`, entry.reason, REASONS));
  const at = `${path}.fieldPath`;
  if (fieldPath !== '' && fieldPath.trim() === '')
    causes.push(invalidValue(at, fieldPath, 'fieldPath must be non-empty if specified'));
  if (/[\r\n]/.test(fieldPath))
    causes.push(invalidValue(at, fieldPath, 'fieldPath must not contain line breaks'));
  if (fieldPath !== '' && compileFieldPath(schema, fieldPath) === undefined)
    causes.push(invalidValue(at, fieldPath, 'fieldPath must be a valid path'));
}
