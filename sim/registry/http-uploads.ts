import {
  type ApiAnswer,
  type ApiContext,
  type ApiRequest,
  answer,
  answerError,
  digestIn,
  refuseMethod,
} from './http-answer.ts';
import { StoreError } from './store-error.ts';

/** POST: a mount, a whole blob in one request, or a new session. Source: OCI distribution-spec, "Pushing blobs". */
export function startUpload({ store, uploads }: ApiContext, request: ApiRequest, name: string): ApiAnswer {
  if (request.method !== 'POST') return refuseMethod(request);
  const mount = request.query.get('mount');
  const from = request.query.get('from');
  if (mount !== null && from !== null && store.mountBlob(name, from, digestIn(mount)))
    return created(name, mount);
  const digest = request.query.get('digest');
  if (digest !== null) return created(name, store.putBlob(name, request.body, digestIn(digest)));
  return accepted(name, uploads.open(name), 0);
}

/** What is done to a session: PATCH adds, PUT adds the rest and closes, GET asks, DELETE gives up. */
export function answerUpload(
  { store, uploads }: ApiContext,
  request: ApiRequest,
  name: string,
  id: string,
): ApiAnswer {
  switch (request.method) {
    case 'GET':
      return answer(204, progress(name, id, uploads.sizeOf(name, id)));
    case 'PATCH':
      return append();
    case 'PUT': {
      const digest = digestIn(request.query.get('digest') ?? '');
      if (request.body.length > 0) {
        const appended = append();
        if (appended.status !== 202) return appended;
      }
      store.putBlob(name, uploads.content(name, id), digest);
      uploads.close(name, id);
      return created(name, digest);
    }
    case 'DELETE':
      uploads.close(name, id);
      return answer(204);
    default:
      return refuseMethod(request);
  }

  function append(): ApiAnswer {
    try {
      const start = startOf(request.header('content-range'), request.body.length);
      return accepted(name, id, uploads.append(name, id, request.body, start));
    } catch (error) {
      // The client learns where to go on from the same headers that a good answer has.
      if (error instanceof StoreError && error.code === 'RANGE_INVALID')
        return answerError(error.code, error.message, progress(name, id, uploads.sizeOf(name, id)));
      throw error;
    }
  }
}

/** First byte of `Content-Range: <start>-<end>`, both inclusive and without a unit; absent when streamed. */
function startOf(header: string | undefined, length: number): number | undefined {
  if (header === undefined) return undefined;
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header);
  const start = Number(match?.[1]);
  if (match === null || Number(match[2]) - start + 1 !== length)
    throw new StoreError('BLOB_UPLOAD_INVALID', `Content-Range does not fit a chunk of ${length} bytes`);
  return start;
}

function accepted(name: string, id: string, sizeBytes: number): ApiAnswer {
  return answer(202, progress(name, id, sizeBytes));
}

/** Range is inclusive, so an empty session says 0-0, as every registry does. */
function progress(name: string, id: string, sizeBytes: number): Record<string, string> {
  return {
    location: `/v2/${name}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, sizeBytes - 1)}`,
    'docker-upload-uuid': id,
  };
}

function created(name: string, digest: string): ApiAnswer {
  return answer(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest });
}
