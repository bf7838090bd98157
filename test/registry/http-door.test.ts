import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff);
const DIGEST = digestOf(BYTES);
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: { mediaType: 'application/octet-stream', digest: DIGEST, size: 1000 },
  layers: [],
});

let server: RegistryServer;
let store: RegistryStore;
beforeAll(async () => {
  store = new RegistryStore();
  server = await serveRegistry(store, { bodyBytesMax: 10_000 });
});
afterAll(() => server.close());

const call = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(new URL(path, `http://${server.host}`), { method, ...init });
const errorOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code ?? '';

test('the base answers, which is how clients tell a registry', async () => {
  const response = await call('GET', '/v2/');
  expect(response.status).toBe(200);
  expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
});

test('a request for what is no path at all is answered like any other for nothing', async () => {
  const { hostname, port } = new URL(`http://${server.host}`);
  const status = await new Promise((resolve, reject) => {
    request({ hostname, port, path: '//' }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(404);
});

describe('uploads', () => {
  const open = async (name: string): Promise<string> => {
    const response = await call('POST', `/v2/${name}/blobs/uploads/`);
    expect(response.status).toBe(202);
    return response.headers.get('location') ?? '';
  };

  test('one POST with a digest stores the blob', async () => {
    const response = await call('POST', `/v2/up/one/blobs/uploads/?digest=${DIGEST}`, { body: BYTES });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe(`/v2/up/one/blobs/${DIGEST}`);
    expect(response.headers.get('docker-content-digest')).toBe(DIGEST);
    expect(store.blob('up/one', DIGEST)).toEqual(BYTES);
  });

  test('chunks add up, and the session says how far it is', async () => {
    const location = await open('up/chunks');
    const patch = (from: number, to: number): Promise<Response> =>
      call('PATCH', location, {
        body: BYTES.subarray(from, to),
        headers: { 'content-range': `${from}-${to - 1}` },
      });
    const first = await patch(0, 400);
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-399']);
    const wrong = await patch(500, 600);
    expect([wrong.status, wrong.headers.get('range')]).toEqual([416, '0-399']);
    expect((await call('GET', location)).headers.get('range')).toBe('0-399');
    expect((await patch(400, 900)).headers.get('range')).toBe('0-899');
    const last = await call('PUT', `${location}?digest=${DIGEST}`, { body: BYTES.subarray(900) });
    expect(last.status).toBe(201);
    expect(store.blob('up/chunks', DIGEST)).toEqual(BYTES);
    expect((await call('GET', location)).status).toBe(404);
  });

  test('content that is not what the digest names is refused', async () => {
    const location = await open('up/wrong');
    const response = await call('PUT', `${location}?digest=${DIGEST}`, { body: 'something else' });
    expect([response.status, await errorOf(response)]).toEqual([400, 'DIGEST_INVALID']);
    expect(store.hasBlob('up/wrong', DIGEST)).toBe(false);
  });

  test('a session can be given up', async () => {
    const location = await open('up/gone');
    expect((await call('DELETE', location)).status).toBe(204);
    const response = await call('PATCH', location, { body: 'x' });
    expect([response.status, await errorOf(response)]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  });

  test('a blob of another repository is mounted; one that is not there opens a session instead', async () => {
    store.putBlob('up/source', BYTES);
    const mounted = await call('POST', `/v2/up/target/blobs/uploads/?mount=${DIGEST}&from=up/source`);
    expect(mounted.status).toBe(201);
    expect(store.blob('up/target', DIGEST)).toBe(store.blob('up/source', DIGEST));
    const missing = await call('POST', `/v2/up/target/blobs/uploads/?mount=${DIGEST}&from=up/nowhere`);
    expect(missing.status).toBe(202);
  });

  test('a body beyond the limit is refused while it arrives', async () => {
    const location = await open('up/big');
    const response = await call('PATCH', location, { body: new Uint8Array(10_001) });
    expect([response.status, await errorOf(response)]).toEqual([413, 'SIZE_INVALID']);
  });
});

describe('blobs', () => {
  beforeAll(() => void store.putBlob('blobs', BYTES));
  const get = (range?: string): Promise<Response> =>
    call('GET', `/v2/blobs/blobs/${DIGEST}`, { headers: range === undefined ? {} : { range } });

  test.each([
    ['bytes=0-9', 206, 'bytes 0-9/1000', 10],
    ['bytes=990-', 206, 'bytes 990-999/1000', 10],
    ['bytes=-5', 206, 'bytes 995-999/1000', 5],
    ['bytes=900-5000', 206, 'bytes 900-999/1000', 100],
    ['bytes=1000-', 416, 'bytes */1000', undefined],
    ['bytes=0-1,5-6', 200, null, 1000],
    ['lines=1-2', 200, null, 1000],
  ] as const)('Range: %s', async (range, status, contentRange, length) => {
    const response = await get(range);
    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
    if (length !== undefined) expect((await response.arrayBuffer()).byteLength).toBe(length);
  });

  test('HEAD says size and digest and sends nothing', async () => {
    const response = await call('HEAD', `/v2/blobs/blobs/${DIGEST}`);
    expect(response.headers.get('content-length')).toBe('1000');
    expect(response.headers.get('docker-content-digest')).toBe(DIGEST);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  test('a repository sees only its own blobs, and a deleted one is gone for it alone', async () => {
    expect((await call('GET', `/v2/blobs/other/blobs/${DIGEST}`)).status).toBe(404);
    store.putBlob('blobs/shared', BYTES);
    expect((await call('DELETE', `/v2/blobs/shared/blobs/${DIGEST}`)).status).toBe(202);
    expect((await call('GET', `/v2/blobs/shared/blobs/${DIGEST}`)).status).toBe(404);
    expect((await get()).status).toBe(200);
  });

  test.each([
    ['/v2/blobs/blobs/sha256:123', 400, 'DIGEST_INVALID'],
    [`/v2/blobs/blobs/${digestOf(new Uint8Array(1))}`, 404, 'BLOB_UNKNOWN'],
    ['/v2/nowhere/tags/list', 404, 'NAME_UNKNOWN'],
    ['/v2/nowhere/manifests/x', 404, 'NAME_UNKNOWN'],
    ['/v2/blobs/manifests/x', 404, 'MANIFEST_UNKNOWN'],
  ] as const)('GET %s is refused in the words of the specification', async (path, status, code) => {
    const response = await call('GET', path);
    expect([response.status, await errorOf(response)]).toEqual([status, code]);
  });
});

describe('manifests', () => {
  const put = (target: string, body: string, type = OCI_MANIFEST): Promise<Response> =>
    call('PUT', `/v2/m/manifests/${target}`, { body, headers: { 'content-type': type } });
  beforeAll(() => void store.putBlob('m', BYTES));

  test('deleting a tag keeps the manifest, deleting the manifest takes its tags', async () => {
    const digest = (await put('a', MANIFEST)).headers.get('docker-content-digest') ?? '';
    await put('b', MANIFEST);
    expect((await call('DELETE', '/v2/m/manifests/a')).status).toBe(202);
    expect((await call('HEAD', '/v2/m/manifests/a')).status).toBe(404);
    expect((await call('HEAD', '/v2/m/manifests/b')).status).toBe(200);
    expect((await call('DELETE', `/v2/m/manifests/${digest}`)).status).toBe(202);
    expect((await call('HEAD', '/v2/m/manifests/b')).status).toBe(404);
  });

  test.each([
    ['not JSON', OCI_MANIFEST, 400, 'MANIFEST_INVALID'],
    [MANIFEST, OCI_INDEX, 400, 'MANIFEST_INVALID'],
    [MANIFEST, 'text/plain', 400, 'MANIFEST_INVALID'],
    [MANIFEST.replace(DIGEST, digestOf(new Uint8Array(2))), OCI_MANIFEST, 404, 'MANIFEST_BLOB_UNKNOWN'],
  ] as const)('a bad manifest is refused (%#)', async (body, type, status, code) => {
    const response = await put('bad', body, type);
    expect([response.status, await errorOf(response)]).toEqual([status, code]);
    expect((await call('HEAD', '/v2/m/manifests/bad')).status).toBe(404);
  });

  test('tags page with n and last, and link to the next page', async () => {
    for (const tag of ['t1', 't2', 't3']) await put(tag, MANIFEST);
    const page = await call('GET', '/v2/m/tags/list?n=2');
    expect(await page.json()).toEqual({ name: 'm', tags: ['t1', 't2'] });
    expect(page.headers.get('link')).toBe('</v2/m/tags/list?n=2&last=t2>; rel="next"');
    const rest = await call('GET', '/v2/m/tags/list?n=2&last=t2');
    expect(await rest.json()).toEqual({ name: 'm', tags: ['t3'] });
    expect(rest.headers.get('link')).toBe(null);
  });

  test('a subject is acknowledged when pushed, and the filter when listed', async () => {
    const subject = {
      mediaType: OCI_MANIFEST,
      digest: digestOf(new TextEncoder().encode(MANIFEST)),
      size: 1,
    };
    const pushed = await put('signed', JSON.stringify({ ...JSON.parse(MANIFEST), subject }));
    expect(pushed.headers.get('oci-subject')).toBe(subject.digest);
    const listed = await call('GET', `/v2/m/referrers/${subject.digest}?artifactType=none`);
    expect(listed.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(await listed.json()).toMatchObject({ mediaType: OCI_INDEX, manifests: [] });
  });
});

describe('content negotiation', () => {
  const get = (accept: string | undefined, more: Record<string, string> = {}): Promise<Response> =>
    call('GET', '/v2/negotiated/manifests/x', {
      headers: { ...(accept === undefined ? {} : { accept }), ...more },
    });
  beforeAll(() => {
    store.putBlob('negotiated', BYTES);
    const bytes = new TextEncoder().encode(MANIFEST);
    store.putManifest('negotiated', 'x', { mediaType: OCI_MANIFEST, bytes });
  });

  test.each([
    ['*/*', 200],
    ['application/*', 200],
    [OCI_MANIFEST, 200],
    [`${OCI_INDEX}, ${OCI_MANIFEST};q=0.5`, 200],
    [OCI_INDEX, 404],
    ['text/html, application/json', 404],
  ] as const)('Accept: %s', async (accept, status) => {
    expect((await get(accept)).status).toBe(status);
  });

  test('who has a manifest already is told so, and sent nothing', async () => {
    const { headers } = await get(OCI_MANIFEST);
    const again = await get(OCI_MANIFEST, { 'if-none-match': headers.get('etag') ?? '' });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
  });
});
