import { type Digest, parseDigest } from '../../src/oci/digest.ts';
import type { RegistryStore } from './store.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';
import type { UploadSessions } from './uploads.ts';

/** What every handler works on. */
export interface ApiContext {
  readonly store: RegistryStore;
  readonly uploads: UploadSessions;
}

/** A request with its body read. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** For HEAD as for GET: the server drops it, and the length stands in the headers. */
  readonly body: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = NOTHING,
): ApiAnswer {
  return { status, headers, body };
}

export function answerJson(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiAnswer {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return answer(status, { 'content-type': 'application/json', ...headers }, body);
}

/** Codes that only the wire knows, besides the store's. Source: OCI distribution-spec, "Error Codes". */
export type WireErrorCode = StoreErrorCode | 'UNAUTHORIZED' | 'UNSUPPORTED';

const STATUS: Readonly<Record<WireErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  SIZE_INVALID: 413,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
};

/** The specification's error document. */
export function answerError(
  code: WireErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ApiAnswer {
  return answerJson(STATUS[code], { errors: [{ code, message }] }, headers);
}

/** Throws StoreError DIGEST_INVALID. */
export function digestIn(text: string): Digest {
  const parsed = parseDigest(text);
  if (!parsed.ok) throw new StoreError('DIGEST_INVALID', parsed.refusal.message);
  return parsed.value;
}

export function refuseMethod(request: ApiRequest): ApiAnswer {
  return answerError('UNSUPPORTED', `${request.method} is not possible on ${request.path}`);
}
