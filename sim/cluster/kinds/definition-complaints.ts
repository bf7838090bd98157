import type { KubeCause } from '../../../src/kube/error.ts';
import {
  forbiddenValue,
  invalidValue,
  requiredValue,
  unsupportedValue,
} from '../../../src/kube/field-cause.ts';
import { equalJson } from '../../../src/kube/json-equal.ts';
import { type JsonRecord, recordOf, recordsOf } from '../../../src/kube/json-record.ts';
import { labelComplaint } from '../object-name.ts';

const APPROVAL = 'api-approved.kubernetes.io';

/**
 * What is wrong with a CustomResourceDefinition beside its schemas; `previous` is the one it replaces.
 * Source: apiextensions-apiserver v0.32, pkg/apis/apiextensions/validation/validation.go.
 */
export function definitionComplaints(definition: JsonRecord, previous: JsonRecord | undefined): KubeCause[] {
  const spec = recordOf(definition.spec);
  const causes: KubeCause[] = [];
  if (previous === undefined) checkName(definition, spec, causes);
  checkGroup(definition, spec, causes);
  if (spec.scope === undefined || spec.scope === '') causes.push(requiredValue('spec.scope'));
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced')
    causes.push(unsupportedValue('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  checkVersions(spec, recordOf(definition.status), causes);
  const names = recordOf(spec.names);
  for (const name of ['plural', 'singular', 'kind', 'listKind'])
    if (names[name] === undefined || names[name] === '') causes.push(requiredValue(`spec.names.${name}`));
  checkNames(names, causes);
  checkConversion(spec, causes);
  if (spec.preserveUnknownFields === true)
    causes.push(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  if (previous !== undefined) checkImmutable(spec, previous, causes);
  return causes;
}

function checkName(definition: JsonRecord, spec: JsonRecord, causes: KubeCause[]): void {
  const { name } = recordOf(definition.metadata);
  if (name !== `${recordOf(spec.names).plural}.${spec.group ?? ''}`)
    causes.push(invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
}

function checkGroup(definition: JsonRecord, spec: JsonRecord, causes: KubeCause[]): void {
  const group = String(spec.group ?? '');
  const { annotations } = recordOf(definition.metadata);
  if (group === '') causes.push(requiredValue('spec.group'));
  else if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(group))
    causes.push(invalidValue('spec.group', group, SUBDOMAIN));
  else if (!group.includes('.'))
    causes.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(group);
  if (isProtected && recordOf(annotations)[APPROVAL] === undefined)
    causes.push(
      requiredValue(
        `metadata.annotations[${APPROVAL}]`,
        `protected groups must have approval annotation "${APPROVAL}", see https://github.com/kubernetes/enhancements/pull/1111`,
      ),
    );
}

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
function checkVersions(spec: JsonRecord, status: JsonRecord, causes: KubeCause[]): void {
  const versions = recordsOf(spec.versions);
  const names = versions.map(({ name }) => String(name ?? ''));
  const schemas = versions.map(({ schema }) => recordOf(schema).openAPIV3Schema);
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    if (schemas[index] === undefined)
      causes.push(requiredValue(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
    const wrong = labelComplaint(names[index] ?? '');
    if (wrong !== undefined) causes.push(invalidValue(`${path}.name`, names[index], wrong));
    if (wrong !== undefined && index === 0) causes.push(invalidValue('spec.version', names[index], wrong));
    checkDeprecation(version, `${path}.deprecationWarning`, causes);
  }
  if (new Set(names).size < names.length)
    causes.push(invalidValue('spec.versions', spec.versions, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    causes.push(
      invalidValue('spec.versions', spec.versions, 'must have exactly one version marked as storage version'),
    );
  checkStored(versions, status.storedVersions, causes);
}

function checkDeprecation(version: JsonRecord, path: string, causes: KubeCause[]): void {
  const { deprecated, deprecationWarning: warning } = version;
  const say = (detail: string): void => void causes.push(invalidValue(path, warning, detail));
  if (typeof warning !== 'string') return;
  if (deprecated !== true) say('can only be set for deprecated versions');
  else if (warning.length > 256) say('must be <= 256 characters long');
  else if (warning === '') say('must not be an empty string');
}

function checkStored(versions: readonly JsonRecord[], stored: unknown, causes: KubeCause[]): void {
  const path = 'status.storedVersions';
  const list = Array.isArray(stored) ? stored.map(String) : [];
  if (list.length === 0) {
    causes.push(invalidValue(path, [], 'must have at least one stored version'));
    return;
  }
  for (const { name, storage } of versions)
    if (storage === true && !list.includes(String(name)))
      causes.push(invalidValue(path, list, `must have the storage version ${name}`));
  for (const [index, one] of list.entries())
    if (!versions.some(({ name }) => name === one))
      causes.push(invalidValue(`${path}[${index}]`, one, 'must appear in spec.versions'));
}

function checkNames(names: JsonRecord, causes: KubeCause[]): void {
  const check = (path: string, value: unknown, mixedCase: boolean): void => {
    if (value === undefined || value === '') return;
    const text = String(value);
    const wrong = labelComplaint(mixedCase ? text.toLowerCase() : text);
    if (wrong === undefined) return;
    const detail = mixedCase ? `may have mixed case, but should otherwise match: ${wrong}` : wrong;
    causes.push(invalidValue(`spec.names.${path}`, text, detail));
  };
  check('plural', names.plural, false);
  check('singular', names.singular, false);
  check('kind', names.kind, true);
  check('listKind', names.listKind, true);
  for (const member of ['shortNames', 'categories']) {
    const list = names[member];
    if (Array.isArray(list))
      for (const [index, name] of list.entries()) check(`${member}[${index}]`, name, false);
  }
  if (names.kind !== undefined && names.kind === names.listKind)
    causes.push(invalidValue('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
}

/** Objects are converted by no more than their version's name: what a webhook would do is refused by name. */
function checkConversion(spec: JsonRecord, causes: KubeCause[]): void {
  const { strategy, webhook } = recordOf(spec.conversion);
  const { clientConfig, conversionReviewVersions } = recordOf(webhook);
  const path = 'spec.conversion';
  const members = Object.entries({ webhookClientConfig: clientConfig, conversionReviewVersions });
  if (strategy === undefined || strategy === '') causes.push(requiredValue(`${path}.strategy`));
  else if (strategy === 'Webhook') {
    if (clientConfig !== undefined && conversionReviewVersions !== undefined)
      causes.push(forbiddenValue(`${path}.strategy`, 'webhook conversion is not supported by this server'));
    if (clientConfig === undefined)
      causes.push(requiredValue(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'));
    if (conversionReviewVersions === undefined)
      causes.push(requiredValue(`${path}.conversionReviewVersions`));
  } else if (strategy === 'None') {
    for (const [name, value] of members)
      if (value !== undefined)
        causes.push(
          forbiddenValue(`${path}.${name}`, 'should not be set when strategy is not set to Webhook'),
        );
  } else causes.push(unsupportedValue(`${path}.strategy`, strategy, ['None', 'Webhook']));
}

function checkImmutable(spec: JsonRecord, previous: JsonRecord, causes: KubeCause[]): void {
  const before = recordOf(previous.spec);
  const [names, oldNames] = [recordOf(spec.names), recordOf(before.names)];
  const check = (path: string, value: unknown, old: unknown): void => {
    if (!equalJson(value, old)) causes.push(invalidValue(path, value, 'field is immutable'));
  };
  if (isEstablished(previous)) {
    check('spec.scope', spec.scope, before.scope);
    check('spec.names.kind', names.kind, oldNames.kind);
  }
  check('spec.group', spec.group, before.group);
  check('spec.names.plural', names.plural, oldNames.plural);
}

export function isEstablished(definition: JsonRecord): boolean {
  const conditions = recordsOf(recordOf(definition.status).conditions);
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
