import type { KubeCause, KubeError } from '../../src/kube/error.ts';
import { forbiddenValue, invalidValue, requiredValue, tooLong } from '../../src/kube/field-cause.ts';
import type { OwnerReference } from '../../src/kube/object.ts';
import { unmarshalError } from './decode-errors.ts';
import {
  isDnsLabel,
  isQualifiedName,
  LABEL_VALUE_HINT,
  NAME_PART_HINT,
  nameComplaint,
} from './object-name.ts';
import type { Resource } from './resource.ts';
import { type DraftMeta, isMembers, type Members, type StoredMeta } from './stored-object.ts';

type Reader = (value: unknown) => boolean;
const text: Reader = (value) => typeof value === 'string';
const wholeNumber: Reader = (value) => Number.isInteger(value);
const texts: Reader = (value) => Array.isArray(value) && value.every(text);
const textMap: Reader = (value) => isMembers(value) && Object.values(value).every(text);
const membersList: Reader = (value) => Array.isArray(value) && value.every(isMembers);

/** In the order they are kept, so that all metadata has few shapes in memory. */
const META_MEMBERS: readonly (readonly [keyof StoredMeta | 'selfLink', Reader, string])[] = [
  ['name', text, 'string'],
  ['generateName', text, 'string'],
  ['namespace', text, 'string'],
  ['selfLink', text, 'string'],
  ['uid', text, 'string'],
  ['resourceVersion', text, 'string'],
  ['generation', wholeNumber, 'int64'],
  ['creationTimestamp', text, 'Time'],
  ['deletionTimestamp', text, 'Time'],
  ['deletionGracePeriodSeconds', wholeNumber, 'int64'],
  ['labels', textMap, 'map[string]string'],
  ['annotations', textMap, 'map[string]string'],
  ['ownerReferences', membersList, '[]v1.OwnerReference'],
  ['finalizers', texts, '[]string'],
  ['managedFields', membersList, '[]v1.ManagedFieldsEntry'],
];
const META_NAMES: ReadonlySet<string> = new Set(META_MEMBERS.map(([name]) => name));

/** Reads client metadata: known members only, empty ones left out. Throws what `refuse` makes of a wrong type. */
export function readMeta(input: Members, refuse: (why: string) => KubeError, unknown?: string[]): DraftMeta {
  const meta: Record<string, unknown> = { name: '' };
  for (const [name, isRight, wanted] of META_MEMBERS) {
    const value = input[name];
    if (value === undefined || value === null) continue;
    if (!isRight(value)) throw refuse(unmarshalError(value, `struct field ObjectMeta.${name}`, wanted));
    if (value === '' || (Array.isArray(value) && value.length === 0) || isEmptyMap(value)) continue;
    if (name !== 'selfLink') meta[name] = value;
  }
  if (unknown !== undefined)
    for (const name of Object.keys(input)) if (!META_NAMES.has(name)) unknown.push(`metadata.${name}`);
  return meta as unknown as DraftMeta;
}

/** What of a resource decides about its objects' metadata. */
export type MetaRules = Pick<Resource, 'nameRule' | 'namespaced' | 'custom' | 'group'>;

/** Complaints about metadata that is about to be stored. Source: apimachinery, api/validation/objectmeta.go. */
export function validateMeta(
  resource: MetaRules,
  meta: DraftMeta,
  previous: StoredMeta | undefined,
): KubeCause[] {
  const causes: KubeCause[] = [];
  if (previous === undefined) validateNames(resource, meta, causes);
  if (meta.labels !== previous?.labels) validateLabels(meta.labels ?? {}, causes);
  if (meta.annotations !== previous?.annotations) validateAnnotations(meta.annotations ?? {}, causes);
  if (meta.ownerReferences !== previous?.ownerReferences) validateOwners(meta.ownerReferences ?? [], causes);
  if (meta.finalizers !== previous?.finalizers)
    validateFinalizers(resource, meta.finalizers ?? [], previous, causes);
  return causes;
}

/** Complaints about metadata that an update may not touch. Source: apimachinery, ValidateObjectMetaAccessorUpdate. */
export function immutableMeta(meta: DraftMeta, previous: StoredMeta): KubeCause[] {
  const causes: KubeCause[] = [];
  const field = (name: 'uid' | 'deletionTimestamp'): string => `metadata.${name}`;
  if (meta.uid !== undefined && meta.uid !== previous.uid)
    causes.push(invalidValue(field('uid'), meta.uid, 'field is immutable'));
  const mark = meta.deletionTimestamp;
  if (mark !== undefined && mark !== previous.deletionTimestamp)
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${mark.replace('T', ' ').replace('Z', ' +0000 UTC')}: field is immutable`,
      field: field('deletionTimestamp'),
    });
  return causes;
}

function validateNames(resource: MetaRules, meta: DraftMeta, causes: KubeCause[]): void {
  if (meta.generateName !== undefined) {
    const complaint = nameComplaint(resource.nameRule, meta.generateName.replace(/-$/, ''));
    if (complaint !== undefined)
      causes.push(invalidValue('metadata.generateName', meta.generateName, complaint));
  }
  if (meta.name === '') causes.push(requiredValue('metadata.name', 'name or generateName is required'));
  else {
    const complaint = nameComplaint(resource.nameRule, meta.name);
    if (complaint !== undefined) causes.push(invalidValue('metadata.name', meta.name, complaint));
  }
  if (!resource.namespaced) {
    if (meta.namespace !== undefined)
      causes.push(forbiddenValue('metadata.namespace', 'not allowed on this type'));
  } else if (!isDnsLabel(meta.namespace ?? ''))
    causes.push(invalidValue('metadata.namespace', meta.namespace ?? '', 'must be an RFC 1123 label'));
}

function validateLabels(labels: Readonly<Record<string, string>>, causes: KubeCause[]): void {
  for (const [key, value] of Object.entries(labels)) {
    if (!isQualifiedName(key)) causes.push(invalidValue('metadata.labels', key, NAME_PART_HINT));
    if (value.length > 63)
      causes.push(invalidValue('metadata.labels', value, 'must be no more than 63 characters'));
    else if (value !== '' && !/^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(value))
      causes.push(invalidValue('metadata.labels', value, LABEL_VALUE_HINT));
  }
}

/** Source: apimachinery, TotalAnnotationSizeLimitB. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

function validateAnnotations(annotations: Readonly<Record<string, string>>, causes: KubeCause[]): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (!isQualifiedName(key.toLowerCase()))
      causes.push(invalidValue('metadata.annotations', key, NAME_PART_HINT));
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) causes.push(tooLong('metadata.annotations', ANNOTATIONS_BYTES_MAX));
}

function validateOwners(owners: readonly OwnerReference[], causes: KubeCause[]): void {
  const field = 'metadata.ownerReferences';
  for (const owner of owners) {
    for (const member of ['apiVersion', 'kind', 'name', 'uid'] as const)
      if (typeof owner[member] !== 'string' || owner[member] === '')
        causes.push(invalidValue(`${field}.${member}`, owner[member] ?? '', `${member} must not be empty`));
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const [first, second] = controllers.map((owner) => `${owner.kind}/${owner.name}`);
    causes.push(
      invalidValue(
        field,
        owners,
        `only one reference can have controller set to true, not both ${first} and ${second}`,
      ),
    );
  }
}

/** Source: core/v1; custom kinds and their definitions may have any. */
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(
  { custom, group }: MetaRules,
  finalizers: readonly string[],
  previous: StoredMeta | undefined,
  causes: KubeCause[],
): void {
  const field = 'metadata.finalizers';
  for (const [index, finalizer] of finalizers.entries()) {
    if (!isQualifiedName(finalizer)) causes.push(invalidValue(field, finalizer, 'must be a qualified name'));
    else if (
      !custom &&
      group !== 'apiextensions.k8s.io' &&
      !finalizer.includes('/') &&
      !STANDARD_FINALIZERS.has(finalizer)
    )
      causes.push(
        invalidValue(
          `${field}[${index}]`,
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified',
        ),
      );
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    causes.push(
      invalidValue(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'),
    );
  if (previous?.deletionTimestamp === undefined) return;
  const added = finalizers.filter((finalizer) => !previous.finalizers?.includes(finalizer));
  if (added.length === 0) return;
  const found = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  causes.push(
    forbiddenValue(
      field,
      `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`,
    ),
  );
}

function isEmptyMap(value: unknown): boolean {
  if (!isMembers(value)) return false;
  for (const _ in value as Members) return false;
  return true;
}
