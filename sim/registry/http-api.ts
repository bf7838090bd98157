import { bareMediaType, OCI_INDEX } from '../../src/oci/media-type.ts';
import {
  type ApiAnswer,
  type ApiContext,
  type ApiRequest,
  answer,
  answerError,
  answerJson,
  digestIn,
  refuseMethod,
} from './http-answer.ts';
import { answerUpload, startUpload } from './http-uploads.ts';
import { StoreError } from './store-error.ts';

/** Names hold slashes, so each route is told by its end. Source: OCI distribution-spec, "Endpoints". */
const ROUTES: readonly { readonly path: RegExp; readonly handle: Handler }[] = [
  { path: /^\/v2\/(?<name>.+)\/blobs\/uploads\/?$/, handle: startUpload },
  { path: /^\/v2\/(?<name>.+)\/blobs\/uploads\/(?<target>[^/]+)$/, handle: answerUpload },
  { path: /^\/v2\/(?<name>.+)\/blobs\/(?<target>[^/]+)$/, handle: answerBlob },
  { path: /^\/v2\/(?<name>.+)\/manifests\/(?<target>[^/]+)$/, handle: answerManifest },
  { path: /^\/v2\/(?<name>.+)\/tags\/list$/, handle: answerTags },
  { path: /^\/v2\/(?<name>.+)\/referrers\/(?<target>[^/]+)$/, handle: answerReferrers },
];

type Handler = (context: ApiContext, request: ApiRequest, name: string, target: string) => ApiAnswer;

/**
 * The distribution API as a function: one request in, one answer out, nothing else touched but the store.
 *
 * `manifest`, where given, is the digest of the manifest that is answered, whichever was asked for.
 */
export function answerRequest(context: ApiContext, request: ApiRequest, manifest?: string): ApiAnswer {
  if (/^\/v2\/?$/.test(request.path)) return answerJson(200, {});
  try {
    for (const { path, handle } of ROUTES) {
      const groups = path.exec(request.path)?.groups;
      if (groups === undefined) continue;
      const { name = '', target = '' } = groups;
      return handle(context, request, name, handle === answerManifest ? (manifest ?? target) : target);
    }
  } catch (error) {
    if (error instanceof StoreError) return answerError(error.code, error.message);
    throw error;
  }
  return answerJson(404, { errors: [{ code: 'NOT_FOUND', message: `no endpoint ${request.path}` }] });
}

function answerBlob({ store }: ApiContext, request: ApiRequest, name: string, target: string): ApiAnswer {
  const digest = digestIn(target);
  if (request.method === 'DELETE') {
    store.deleteBlob(name, digest);
    return answer(202);
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(request);
  const bytes = store.blob(name, digest);
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
  };
  const range = rangeOf(request.header('range'), bytes.length);
  if (range === 'unsatisfiable')
    return answerError('RANGE_INVALID', `the blob has ${bytes.length} bytes`, {
      'content-range': `bytes */${bytes.length}`,
    });
  if (range === undefined) return answer(200, headers, bytes);
  const [start, end] = range;
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
  return answer(206, { ...headers, ...contentRange }, bytes.subarray(start, end));
}

/** Start and end (exclusive) of a single byte range; a header of any other form is ignored. Source: RFC 9110, 14.2. */
function rangeOf(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const start = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = suffix || match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  if (!suffix && match[2] !== '' && Number(match[2]) < start) return undefined;
  return start >= end ? 'unsatisfiable' : [start, end];
}

function answerManifest({ store }: ApiContext, request: ApiRequest, name: string, target: string): ApiAnswer {
  if (target.includes(':')) digestIn(target);
  switch (request.method) {
    case 'GET':
    case 'HEAD': {
      const { mediaType, digest, bytes } = store.manifest(name, target);
      if (!accepts(request.header('accept'), mediaType))
        throw new StoreError(
          'MANIFEST_UNKNOWN',
          `${target} is a ${mediaType}, which the client does not accept`,
        );
      const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` };
      if (request.header('if-none-match')?.includes(`"${digest}"`) === true) return answer(304, headers);
      return answer(200, headers, bytes);
    }
    case 'PUT': {
      const mediaType = request.header('content-type') ?? '';
      const { digest, document } = store.putManifest(name, target, { mediaType, bytes: request.body });
      return answer(201, {
        location: `/v2/${name}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(document.subject === undefined ? {} : { 'oci-subject': document.subject.digest }),
      });
    }
    case 'DELETE':
      store.deleteManifest(name, target);
      return answer(202);
    default:
      return refuseMethod(request);
  }
}

/** A client that names types gets none but those; who names none, or any, takes what comes. Source: RFC 9110, 12.5.1. */
function accepts(header: string | undefined, mediaType: string): boolean {
  const named = (header ?? '').split(',').map(bareMediaType);
  const isOpen = named.some((type) => type === '' || type === '*/*' || type === 'application/*');
  return isOpen || named.includes(mediaType);
}

function answerTags({ store }: ApiContext, request: ApiRequest, name: string): ApiAnswer {
  if (request.method !== 'GET') return refuseMethod(request);
  const asked = request.query.get('n');
  const limit = asked !== null && /^\d{1,9}$/.test(asked) ? Number(asked) : undefined;
  const { tags, more } = store.tags(name, request.query.get('last') ?? undefined, limit);
  const last = tags.at(-1);
  const next =
    more && last !== undefined ? `</v2/${name}/tags/list?n=${limit}&last=${last}>; rel="next"` : undefined;
  return answerJson(200, { name, tags }, next === undefined ? {} : { link: next });
}

function answerReferrers(
  { store }: ApiContext,
  request: ApiRequest,
  name: string,
  target: string,
): ApiAnswer {
  if (request.method !== 'GET') return refuseMethod(request);
  const artifactType = request.query.get('artifactType') ?? undefined;
  const manifests = store.referrers(name, digestIn(target), artifactType);
  const filtered = artifactType === undefined ? {} : { 'oci-filters-applied': 'artifactType' };
  return answerJson(
    200,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
    { 'content-type': OCI_INDEX, ...filtered },
  );
}
