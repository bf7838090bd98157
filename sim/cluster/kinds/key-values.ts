import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue, requiredValue } from '../../../src/kube/field-cause.ts';
import { at } from '../printer.ts';
import { type Draft, equalJson, isMembers, type Members } from '../stored-object.ts';

/** Source: core/v1, MaxSecretSize. */
const TOTAL_BYTES_MAX = 1024 * 1024;

/** Empty maps are not kept. */
export function dropEmptyData(draft: Draft): void {
  for (const name of ['data', 'binaryData'])
    if (isMembers(draft[name]) && Object.keys(draft[name]).length === 0) delete draft[name];
}

/** What is wrong with the keys and values of a ConfigMap. Source: pkg/apis/core/validation ValidateConfigMap (v1.32). */
export function checkConfigMap(map: Members, previous: Members | undefined): readonly KubeCause[] {
  const causes = [...checkKeys(map, 'data'), ...checkKeys(map, 'binaryData')];
  for (const key of keysOf(map.binaryData))
    if (keysOf(map.data).includes(key))
      causes.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  const bytes = textBytes(map.data) + base64Bytes(map.binaryData);
  if (bytes > TOTAL_BYTES_MAX) causes.push(totalTooLong('[]'));
  return [...causes, ...checkImmutable(map, previous, 'data', 'binaryData')];
}

/** What a Secret of each type must have. Source: core/v1 SecretType. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

/** Source: pkg/apis/core/validation ValidateSecret (v1.32). */
export function checkSecret(secret: Members, previous: Members | undefined): readonly KubeCause[] {
  const causes = checkKeys(secret, 'data');
  if (base64Bytes(secret.data) > TOTAL_BYTES_MAX) causes.push(totalTooLong('data'));
  const keys = keysOf(secret.data);
  const type = String(secret.type);
  for (const key of SECRET_KEYS[type] ?? [])
    if (!keys.includes(key)) causes.push(requiredValue(`data[${key}]`));
  if (type === 'kubernetes.io/basic-auth' && !keys.includes('username') && !keys.includes('password'))
    causes.push(requiredValue('data[username]'), requiredValue('data[password]'));
  const account = 'kubernetes.io/service-account.name';
  const annotations = at(secret, 'metadata.annotations');
  if (type === 'kubernetes.io/service-account-token' && !keysOf(annotations).includes(account))
    causes.push(requiredValue(`metadata.annotations[${account}]`));
  if (previous !== undefined && secret.type !== previous.type)
    causes.push(invalidValue('type', secret.type, 'field is immutable'));
  return [...causes, ...checkImmutable(secret, previous, 'data')];
}

function checkImmutable(
  object: Members,
  previous: Members | undefined,
  ...members: readonly string[]
): KubeCause[] {
  if (previous?.immutable !== true) return [];
  const why = 'field is immutable when `immutable` is set';
  const causes = object.immutable === true ? [] : [forbiddenValue('immutable', why)];
  for (const member of members)
    if (!equalJson(object[member] ?? {}, previous[member] ?? {})) causes.push(forbiddenValue(member, why));
  return causes;
}

function checkKeys(object: Members, member: string): KubeCause[] {
  return keysOf(object[member]).flatMap((key) => {
    const complain = (detail: string): KubeCause[] => [invalidValue(`${member}[${key}]`, key, detail)];
    if (key.length > 253) return complain('must be no more than 253 characters');
    if (key === '.' || key === '..') return complain(`must not be '${key}'`);
    if (key.startsWith('..')) return complain("must not start with '..'");
    return /^[-._a-zA-Z0-9]+$/.test(key)
      ? []
      : complain(
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        );
  });
}

function totalTooLong(field: string): KubeCause {
  const message = `Too long: may not be more than ${TOTAL_BYTES_MAX} bytes`;
  return { reason: 'FieldValueTooLong', message, field };
}

function keysOf(value: unknown): readonly string[] {
  return isMembers(value) ? Object.keys(value) : [];
}

function textBytes(value: unknown): number {
  return isMembers(value)
    ? Object.values(value).reduce<number>((sum, text) => sum + Buffer.byteLength(String(text)), 0)
    : 0;
}

function base64Bytes(value: unknown): number {
  return isMembers(value)
    ? Object.values(value).reduce<number>((sum, text) => sum + Buffer.byteLength(String(text), 'base64'), 0)
    : 0;
}
