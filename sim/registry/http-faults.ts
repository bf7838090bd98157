import type { ServerResponse } from 'node:http';
import type { RegistryErrorCode } from '../../src/oci/registry-error.ts';
import type { Clock } from '../../src/time/clock.ts';
import type { RegistryFault, RegistryRequest } from './fault.ts';
import { type ApiAnswer, type ApiRequest, answerJson } from './http-answer.ts';

const STATUS: Partial<Record<RegistryErrorCode, number>> = {
  unauthorized: 401,
  denied: 403,
  'not-found': 404,
  unsupported: 405,
  timeout: 504,
  'too-large': 413,
  'too-many-requests': 429,
  unavailable: 503,
};
/** A slow answer is written in pieces so far apart. */
const PIECE_MS = 100;

/** The request as an interceptor sees it, the same for both doors; undefined for what is none of its business. */
export function requestOf(request: ApiRequest, host: string): RegistryRequest | undefined {
  const { method, path } = request;
  const match = /^\/v2\/(?<name>.+)\/(?<kind>blobs|manifests|tags|referrers)\/(?<target>.*)$/.exec(path);
  const { name = '', kind, target = '' } = match?.groups ?? {};
  const of = (operation: RegistryRequest['operation']): RegistryRequest => ({
    operation,
    host,
    name,
    target,
  });
  const isRead = method === 'GET' || method === 'HEAD';
  if (kind === 'tags') return { ...of('tags'), target: '' };
  if (kind === 'referrers') return of('referrers');
  if (kind === 'manifests') {
    if (!isRead) return of('put-manifest');
    return of(method === 'HEAD' || !target.includes(':') ? 'resolve' : 'manifest');
  }
  if (kind !== 'blobs') return undefined;
  if (!isRead || target.startsWith('uploads')) return { ...of('put-blob'), target: '' };
  return of(method === 'HEAD' ? 'has-blob' : 'blob');
}

/** The answer instead of the registry's own; undefined for faults that spoil the real one. */
export function answerFault(fault: RegistryFault): ApiAnswer | undefined {
  if (fault.kind !== 'error') return undefined;
  const headers =
    fault.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(fault.retryAfterMs / 1000)) };
  const errors = [{ code: fault.code.toUpperCase().replaceAll('-', '_'), message: 'by order of the test' }];
  return answerJson(STATUS[fault.code] ?? 500, { errors }, headers);
}

/** Sends an answer's body: at once, or as the fault has it, cut short, drop by drop, or not to its end. */
export async function sendBody(
  response: ServerResponse,
  body: Uint8Array,
  fault: RegistryFault | undefined,
  clock: Clock | undefined,
  count: (bytes: number) => void = () => {},
): Promise<void> {
  const write = async (bytes: Uint8Array): Promise<void> => {
    count(bytes.length);
    await writeOut(response, bytes);
  };
  if (fault?.kind === 'short-read') {
    await write(body.subarray(0, fault.bytesMax));
    response.destroy();
  } else if (fault?.kind === 'stall') {
    // The connection stays; whoever waits for more must find out by itself.
    await write(body.subarray(0, fault.afterBytes));
  } else if (fault?.kind === 'slow') {
    const pieceBytes = Math.max(1, Math.floor((fault.bytesPerSecond * PIECE_MS) / 1000));
    for (let offset = 0; offset < body.length && !response.destroyed; offset += pieceBytes) {
      await clock?.sleep(PIECE_MS);
      await write(body.subarray(offset, offset + pieceBytes));
    }
    response.end();
  } else {
    count(body.length);
    response.end(body);
  }
}

/** Settles when the bytes are on their way, so that what follows does not overtake them. */
function writeOut(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) {
    response.flushHeaders();
    return Promise.resolve();
  }
  return new Promise((resolve) => response.write(bytes, () => resolve()));
}
