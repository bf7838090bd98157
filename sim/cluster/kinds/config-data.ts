import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue, tooLong } from '../../../src/kube/field-cause.ts';
import { type Draft, equalJson, isMembers, type Members, type StoredObject } from '../stored-object.ts';

/** Source: core/v1, MaxSecretSize; ConfigMaps have the same. */
const DATA_BYTES_MAX = 1024 * 1024;

const KEY_HINT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/** Empty maps are not kept. */
export function dropEmptyData(draft: Draft): void {
  for (const name of ['data', 'binaryData'])
    if (isMembers(draft[name]) && Object.keys(draft[name]).length === 0) delete draft[name];
}

/**
 * The rules of ConfigMaps and Secrets alike: keys, size, and what `immutable` forbids.
 * Source: kubernetes, apis/core/validation, ValidateConfigMap and ValidateSecret (v1.32).
 */
export function checkData(object: Draft, previous: StoredObject | undefined, sizeField: string): KubeCause[] {
  const [data, binaryData] = [membersOf(object.data), membersOf(object.binaryData)];
  const causes: KubeCause[] = [];
  let bytes = 0;
  for (const [member, values] of [['data', data] as const, ['binaryData', binaryData] as const])
    for (const [key, value] of Object.entries(values)) {
      const field = `${member}[${key}]`;
      if (key.length > 253) causes.push(invalidValue(field, key, 'must be no more than 253 characters'));
      else if (!/^[-._a-zA-Z0-9]+$/.test(key)) causes.push(invalidValue(field, key, KEY_HINT));
      else if (member === 'data' && binaryData[key] !== undefined)
        causes.push(invalidValue(field, key, 'duplicate of key present in binaryData'));
      bytes += Buffer.byteLength(String(value));
    }
  if (bytes > DATA_BYTES_MAX) causes.push(tooLong(sizeField, DATA_BYTES_MAX));
  if (previous?.immutable === true) {
    const fixed = (field: string): KubeCause =>
      forbiddenValue(field, 'field is immutable when `immutable` is set');
    if (object.immutable !== true) causes.push(fixed('immutable'));
    for (const member of ['data', 'binaryData'])
      if (!equalJson(object[member], previous[member])) causes.push(fixed(member));
  }
  return causes;
}

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}
