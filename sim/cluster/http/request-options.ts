import type { DeleteOptions } from '../../../src/kube/api.ts';
import { type KubeCause, KubeError } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue, tooLong, unsupportedValue } from '../../../src/kube/field-cause.ts';
import type { DeleteRequest, Subresource, WriteRequest } from '../requests.ts';
import { badRequest, invalidRequest, notServed } from '../status-errors.ts';
import { isMembers, type Members } from '../stored-object.ts';
import { repeatedKeysError } from '../yaml-body.ts';
import { patchFormat } from './negotiation.ts';
import { isTrue, wholeNumber } from './read-options.ts';
import type { ResourceRequest } from './resource-request.ts';

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

const SUBRESOURCES: readonly string[] = ['status', 'scale', 'binding'] satisfies readonly Subresource[];
const FIELD_VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'] as const;

/**
 * What a write asks for beside its object. Throws Invalid, about the options as if they were an object.
 * Source: apimachinery, apis/meta/v1/validation.
 */
export function writeRequest(
  request: ResourceRequest,
  kind: OptionsKind,
  warn: (text: string) => void,
): WriteRequest {
  const { query, route, user: asker, bodyBytes, duplicates, repeatedKeys } = request;
  const { subresource } = route;
  if (subresource !== undefined && !SUBRESOURCES.includes(subresource)) throw notServed();
  const causes: KubeCause[] = [];
  const dryRun = isDryRun(query.getAll('dryRun'), causes);
  const given = query.get('fieldManager') ?? '';
  if (given.length > MANAGER_BYTES_MAX) causes.push(tooLong('fieldManager', MANAGER_BYTES_MAX));
  const odd = [...given].findIndex((char) => /\p{C}/u.test(char));
  if (odd >= 0) causes.push(invalidValue('fieldManager', given, oddCharacter(given, odd)));
  const asked = query.get('fieldValidation') ?? '';
  const fieldValidation = FIELD_VALIDATIONS.find((one) => one === asked);
  if (fieldValidation === undefined)
    causes.push(unsupportedValue('fieldValidation', asked, FIELD_VALIDATIONS));
  if (kind === 'PatchOptions' && query.has('force') && patchFormat(request.contentType) !== 'apply')
    causes.push(forbiddenValue('force', 'may not be specified for non-apply patch'));
  if (causes.length > 0) throw invalidRequest(kind, causes);
  const isApply = kind === 'PatchOptions' && patchFormat(request.contentType) === 'apply';
  // An apply is read before anything is known of its kind.
  if (isApply && fieldValidation === 'Strict' && repeatedKeys.length > 0)
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: ${repeatedKeysError(repeatedKeys)}`,
    );
  if (isApply && fieldValidation !== 'Ignore') for (const line of repeatedKeys) warn(line);
  const fieldManager = given !== '' || isApply ? given : managerOf(request.userAgent);
  return {
    user: asker.name,
    asker,
    warn,
    bodyBytes,
    duplicates,
    ...(!isApply && { repeatedKeys }),
    dryRun,
    fieldValidation: fieldValidation || 'Warn',
    force: isTrue(query, 'force'),
    ...(fieldManager && { fieldManager }),
    ...(subresource !== undefined && { subresource: subresource as Subresource }),
  };
}

const MANAGER_BYTES_MAX = 128;

/** Who a program is that names no field manager: its user agent up to the first slash. */
function managerOf(userAgent: string | undefined): string {
  const [name = ''] = (userAgent ?? '').split('/');
  return name.slice(0, MANAGER_BYTES_MAX) || 'unknown';
}

function oddCharacter(text: string, index: number): string {
  const code = ([...text][index]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `invalid character U+${code} (at position ${index})`;
}

function isDryRun(values: readonly unknown[], causes: KubeCause[]): boolean {
  if (values.some((value) => value !== 'All')) {
    const given = `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
    const message = `Unsupported value: ${given}: supported values: "All"`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'dryRun' });
  }
  return values.length > 0;
}

const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;

/** Options come in the body, in the query, or both. Throws Invalid. */
export function deleteRequest(
  { query, body, user }: ResourceRequest,
  warn: (text: string) => void,
): DeleteRequest {
  const options = optionsIn(body);
  const causes: KubeCause[] = [];
  const asked = options.propagationPolicy ?? query.get('propagationPolicy') ?? undefined;
  const legacy = legacyPolicy(options.orphanDependents);
  const policy = POLICIES.find((one) => one === (asked ?? legacy));
  if (asked !== undefined && legacy !== undefined)
    causes.push(
      invalidValue('propagationPolicy', asked, 'orphanDependents and deletionPropagation cannot be both set'),
    );
  else if (asked !== undefined && policy === undefined)
    causes.push(unsupportedValue('propagationPolicy', asked, [...POLICIES, 'nil']));
  const inBody = Array.isArray(options.dryRun) ? options.dryRun : [];
  const dryRun = isDryRun([...query.getAll('dryRun'), ...inBody], causes);
  if (causes.length > 0) throw invalidRequest('DeleteOptions', causes);
  const grace = options.gracePeriodSeconds ?? wholeNumber(query, 'gracePeriodSeconds');
  const { uid, resourceVersion } = isMembers(options.preconditions) ? options.preconditions : {};
  const preconditions: NonNullable<DeleteOptions['preconditions']> = {
    ...(typeof uid === 'string' && { uid }),
    ...(typeof resourceVersion === 'string' && { resourceVersion }),
  };
  return {
    user: user.name,
    warn,
    preconditions,
    dryRun,
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(typeof grace === 'number' && { gracePeriodSeconds: grace }),
  };
}

/** A body of another kind is an internal error, oddly. Source: apiserver, endpoints/handlers/delete.go. */
function optionsIn(body: unknown): Members {
  if (!isMembers(body)) return {};
  if (body.kind !== undefined && body.kind !== 'DeleteOptions')
    throw new KubeError('InternalError', `no kind ${JSON.stringify(body.kind)} is registered for deletions`);
  return body;
}

function legacyPolicy(orphanDependents: unknown): string | undefined {
  return orphanDependents === true ? 'Orphan' : orphanDependents === false ? 'Background' : undefined;
}
