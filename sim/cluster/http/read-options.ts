import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import {
  badRequest,
  invalidRequest,
  revisionInFuture,
  tooLargeVersion,
  unparsableVersion,
} from '../status-errors.ts';

const MATCH = 'resourceVersionMatch';
const WHOLE = /^\d+$/;

/**
 * The past version that a list asks for exactly; undefined: the present will do, which is never older than
 * any version a client has seen. Throws what a real server answers to a version that makes no sense.
 * Source: Kubernetes API concepts, "Semantics for get and list"; apimachinery, internalversion/validation.
 */
export function exactVersion(query: URLSearchParams, current: number): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get(MATCH) ?? '';
  const continues = (query.get('continue') ?? '') !== '';
  const causes: KubeCause[] = [];
  if (match !== '') {
    if (text === '')
      causes.push(forbiddenValue(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    if (continues) causes.push(forbiddenValue(MATCH, `${MATCH} is forbidden when continue is provided`));
    if (match !== 'Exact' && match !== 'NotOlderThan')
      causes.push(unsupportedValue(MATCH, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && text === '0')
      causes.push(forbiddenValue(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  if (query.has('sendInitialEvents'))
    causes.push(forbiddenValue('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (causes.length > 0) throw invalidRequest('ListOptions', causes);
  if (continues && text !== '' && text !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  if (match === 'Exact' && !WHOLE.test(text))
    throw badRequest(`invalid resource version: ${unparsableVersion(text, 'resourceVersion').message}`);
  const asked = versionIn(text);
  // With a limit and no match, an old rule holds: the version is meant exactly.
  const isExact = match === 'Exact' || (match === '' && asked > 0 && Number(query.get('limit') ?? 0) > 0);
  if (isExact) {
    if (asked > current) throw revisionInFuture();
    return asked === current ? undefined : asked;
  }
  if (asked > current) throw tooLargeVersion(asked, current);
  return undefined;
}

/** Throws Invalid about the options of a watch. Source: apimachinery, internalversion/validation, validateWatchOptions. */
export function checkWatchOptions(query: URLSearchParams): void {
  const match = query.get(MATCH) ?? '';
  const causes: KubeCause[] = [];
  if (query.has('sendInitialEvents')) {
    if (match !== 'NotOlderThan')
      causes.push(forbiddenValue(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`));
  } else if (match !== '')
    causes.push(
      forbiddenValue(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`),
    );
  if (match !== '' && match !== 'NotOlderThan') causes.push(unsupportedValue(MATCH, match, ['NotOlderThan']));
  if ((query.get('continue') ?? '') !== '')
    causes.push(forbiddenValue(MATCH, `${MATCH} is forbidden when continue is provided`));
  if (causes.length > 0) throw invalidRequest('ListOptions', causes);
  versionIn(query.get('resourceVersion') ?? '');
}

/** Throws unless a get may be answered from the present. */
export function checkAskedVersion(query: URLSearchParams, current: number): void {
  const asked = versionIn(query.get('resourceVersion') ?? '');
  if (asked > current) throw tooLargeVersion(asked, current);
}

function versionIn(text: string): number {
  if (text !== '' && !WHOLE.test(text)) throw unparsableVersion(text, 'resourceVersion');
  return Number(text);
}

/**
 * The page size of a list. A list that any version will do for is answered from memory, at once and whole.
 * Throws BadRequest. Source: apiserver, storage/cacher (v0.32).
 */
export function pageSize(query: URLSearchParams): number | undefined {
  const limit = wholeNumber(query, 'limit');
  const fromMemory = query.get('resourceVersion') === '0' && !query.get('continue');
  return fromMemory ? undefined : limit;
}

/** Whatever is not `false` or `0` is true, an empty value included. Source: apimachinery, Convert_Slice_string_To_bool. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

/** Throws BadRequest when the parameter is there and no whole number. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
