import type { IncomingMessage } from 'node:http';
import { KubeError } from '../../../src/kube/error.ts';
import { unrecognized } from '../decode-errors.ts';
import type { Resource } from '../resource.ts';
import { badRequest } from '../status-errors.ts';
import { readYaml } from '../yaml-body.ts';
import { duplicateMembers } from './duplicate-members.ts';
import { bodyFormat, patchFormat } from './negotiation.ts';
import { decodeProtobuf } from './protobuf.ts';

/** Source: kube-apiserver's MaxRequestBodyBytes. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

export interface RequestBody {
  /** As JSON. */
  readonly value: unknown;
  readonly bytes: number;
  /** Paths of members that the JSON has twice. */
  readonly duplicates: readonly string[];
  /** Keys that the YAML has twice, as its reader complains of them. */
  readonly repeatedKeys: readonly string[];
}

const EMPTY: RequestBody = { value: undefined, bytes: 0, duplicates: [], repeatedKeys: [] };

/**
 * The body, undefined when there is none. Throws BadRequest, UnsupportedMediaType or
 * RequestEntityTooLarge.
 */
export async function readBody(message: IncomingMessage, { kind, custom }: Resource): Promise<RequestBody> {
  const { 'content-length': length, 'transfer-encoding': encoding } = message.headers;
  // With neither of the two there is none. Source: RFC 9112, section 6.3.
  if (length === undefined && encoding === undefined) return EMPTY;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    // Read on, so that the answer is heard, but not for ever.
    else if (bytes > 8 * BODY_BYTES_MAX) break;
  }
  if (bytes > BODY_BYTES_MAX)
    throw new KubeError('RequestEntityTooLarge', `Request entity too large: limit is ${BODY_BYTES_MAX}`);
  if (bytes === 0) return EMPTY;
  const type = message.headers['content-type'];
  const format = message.method === 'PATCH' ? patchFormat(type) : bodyFormat(type, custom);
  if (format === 'protobuf') {
    const decoded = decodeProtobuf(Buffer.concat(chunks));
    if (!decoded.ok) throw unreadable(message.method, kind, format, decoded.error);
    return { ...EMPTY, value: decoded.value, bytes };
  }
  const text = Buffer.concat(chunks).toString();
  try {
    if (format === 'yaml' || format === 'apply') return { ...EMPTY, ...readYaml(text), bytes };
    return { ...EMPTY, value: JSON.parse(text), bytes, duplicates: duplicateMembers(text) };
  } catch (error) {
    throw unreadable(message.method, kind, format, (error as Error).message);
  }
}

/** Each verb has its own words for a body that is not what it says it is. Source: apiserver, endpoints/handlers. */
function unreadable(method: string | undefined, kind: string, format: string, why: string): KubeError {
  if (method === 'DELETE')
    return new KubeError('InternalError', `couldn't get version/kind; json parse error: ${why}`);
  if (format === 'yaml') return unrecognized(kind, why);
  if (format === 'protobuf') return badRequest(why);
  if (format === 'apply') return badRequest(`error decoding YAML: ${why}`);
  if (method !== 'PATCH') return unrecognized(kind, `couldn't get version/kind; json parse error: ${why}`);
  return badRequest(format === 'strategic' ? why : `error decoding patch: ${why}`);
}
