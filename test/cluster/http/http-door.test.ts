import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedCluster } from '../../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../../sim/cluster/http/http-door.ts';
import { SeededRandom } from '../../../src/random/random.ts';
import { WIDGET_CRD } from '../../contract/kube-widget.ts';
import { WallClock } from '../wall-clock.ts';

const cluster = new EmbeddedCluster({ clock: new WallClock(), random: SeededRandom.ofSeed(1), freeze: true });
const door = new HttpDoor(cluster);
let url: string;
beforeAll(async () => {
  url = await door.listen();
});
afterAll(() => door.close());

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly reason?: string; readonly items?: unknown[] };
}

async function call(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { body, headers = {} } = options;
  const response = await fetch(url + path, {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Reply['body'],
  };
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string, more: object = {}): object => ({ metadata: { name }, data: { k: 'v' }, ...more });

/** Lines of a watch until it ends. */
async function watched(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ type: string; object: Record<string, unknown> }[]> {
  const response = await fetch(url + path, { headers });
  expect(response.status).toBe(200);
  const text = await response.text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('content', () => {
  test('a client that prefers protobuf and takes JSON gets JSON', async () => {
    const headers = { Accept: 'application/vnd.kubernetes.protobuf,application/json' };
    const { status, headers: got } = await call('GET', '/api/v1/namespaces', { headers });
    expect(status).toBe(200);
    expect(got.get('content-type')).toBe('application/json');
  });

  test('a client that takes nothing we have is told so', async () => {
    const headers = { Accept: 'application/vnd.kubernetes.protobuf' };
    expect(await call('GET', '/api/v1/namespaces', { headers })).toMatchObject({
      status: 406,
      body: { kind: 'Status', reason: 'NotAcceptable' },
    });
  });

  test.each([
    ['POST', MAPS, 'application/cbor'],
    ['PATCH', `${MAPS}/x`, 'application/json'],
  ])('%s %s as %s is refused', async (method, path, type) => {
    const headers = { 'Content-Type': type };
    expect(await call(method, path, { body: '{}', headers })).toMatchObject({
      status: 415,
      body: { reason: 'UnsupportedMediaType' },
    });
  });

  test('a strategic merge patch of a custom resource is refused', async () => {
    await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: WIDGET_CRD });
    const widgets = '/apis/contract.brickproof.dev/v1/namespaces/default/widgets';
    const widget = { apiVersion: 'contract.brickproof.dev/v1', kind: 'Widget', metadata: { name: 'w' } };
    expect((await call('POST', widgets, { body: { ...widget, spec: { size: 1 } } })).status).toBe(201);
    const headers = { 'Content-Type': 'application/strategic-merge-patch+json' };
    expect((await call('PATCH', `${widgets}/w`, { body: {}, headers })).status).toBe(415);
  });

  test('a body that is no JSON is refused', async () => {
    expect(await call('POST', MAPS, { body: '{"metadata":' })).toMatchObject({
      status: 400,
      body: { reason: 'BadRequest' },
    });
  });

  test('a body that is too large is refused', async () => {
    const body = map('large', { data: { k: 'x'.repeat(4 * 1024 * 1024) } });
    expect(await call('POST', MAPS, { body })).toMatchObject({
      status: 413,
      body: { reason: 'RequestEntityTooLarge' },
    });
  });

  test('YAML is understood', async () => {
    const headers = { 'Content-Type': 'application/yaml' };
    const body = 'metadata: { name: from-yaml }\ndata:\n  k: v\n';
    expect((await call('POST', MAPS, { body, headers })).status).toBe(201);
  });
});

describe('fields that nobody knows', () => {
  const body = map('odd', { dat: {} });
  test('strictly, are refused', async () => {
    const { status, body: answer } = await call('POST', `${MAPS}?fieldValidation=Strict`, { body });
    expect(status).toBe(400);
    expect(answer.message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dat"',
    );
  });
  test('are warned of otherwise', async () => {
    const { status, headers } = await call('POST', `${MAPS}?fieldValidation=Warn`, { body });
    expect(status).toBe(201);
    expect(headers.get('warning')).toBe('299 - "unknown field \\"dat\\""');
  });
});

describe('writes', () => {
  test('a dry run answers as if, and changes nothing', async () => {
    const { status, body } = await call('POST', `${MAPS}?dryRun=All`, { body: map('dry') });
    expect(status).toBe(201);
    expect(body.metadata).toMatchObject({ name: 'dry' });
    expect((await call('GET', `${MAPS}/dry`)).status).toBe(404);
    expect((await call('POST', `${MAPS}?dryRun=Some`, { body: map('dry') })).status).toBe(422);
  });

  test('a collection is deleted by selector', async () => {
    for (const name of ['one', 'two'])
      await call('POST', MAPS, { body: { metadata: { name, labels: { gone: 'yes' } } } });
    await call('POST', MAPS, { body: map('stays') });
    const { status, body } = await call('DELETE', `${MAPS}?labelSelector=gone%3Dyes`);
    expect([status, body.items]).toMatchObject([200, [{}, {}]]);
    expect((await call('GET', `${MAPS}?labelSelector=gone`)).body.items).toEqual([]);
    expect((await call('GET', `${MAPS}/stays`)).status).toBe(200);
  });

  test('a method that makes no sense is refused', async () => {
    expect(await call('POST', `${MAPS}/x`, { body: {} })).toMatchObject({
      status: 405,
      body: { reason: 'MethodNotAllowed' },
    });
    expect((await call('PUT', MAPS, { body: {} })).status).toBe(405);
  });

  test.each([
    '/nowhere',
    '/api/v2',
    '/apis/none.dev/v1',
    '/api/v1/gadgets',
    '/api/v1/pods/x/log',
    '/openapi/v1',
  ])('%s is not found', async (path) => {
    expect((await call('GET', path)).status).toBe(404);
  });
});

describe('lists', () => {
  test('a version that is past or yet to come cannot be shown exactly', async () => {
    cluster.compact();
    const past = await call('GET', `${MAPS}?resourceVersion=1&resourceVersionMatch=Exact`);
    expect(past).toMatchObject({ status: 410, body: { reason: 'Expired' } });
    const future = await call('GET', `${MAPS}?resourceVersion=99999999`);
    expect(future).toMatchObject({ status: 504, body: { reason: 'Timeout' } });
    expect(future.headers.get('retry-after')).toBe('1');
  });

  test('a table has columns, cells, and the metadata of each object', async () => {
    const headers = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const { body } = await call('GET', '/api/v1/namespaces?fieldSelector=metadata.name%3Ddefault', {
      headers,
    });
    expect(body).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, { name: 'Status' }, { name: 'Age', type: 'string' }],
      rows: [
        {
          cells: ['default', 'Active', expect.stringMatching(/^\d+s$/)],
          object: { kind: 'PartialObjectMetadata' },
        },
      ],
    });
  });

  test('pages count what is left', async () => {
    const { body } = await call('GET', '/api/v1/namespaces?limit=1');
    expect(body).toMatchObject({ kind: 'NamespaceList', metadata: { remainingItemCount: 3 }, items: [{}] });
  });
});

describe('watches', () => {
  test('end when their time is up', async () => {
    const path = '/api/v1/namespaces?watch=true&timeoutSeconds=0&fieldSelector=metadata.name%3Ddefault';
    expect(await watched(path)).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'default' } } }]);
  });

  test('say in a line that their version is too old', async () => {
    cluster.compact();
    expect(await watched('/api/v1/namespaces?watch=true&resourceVersion=1')).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
    ]);
  });

  test('mark the end of what was there, when asked', async () => {
    const path =
      '/api/v1/namespaces?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=0';
    const lines = await watched(`${path}&resourceVersionMatch=NotOlderThan`);
    expect(lines.at(-1)).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'Namespace', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  test('as tables name the columns once', async () => {
    const headers = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const lines = await watched('/api/v1/namespaces?watch=true&timeoutSeconds=0', headers);
    expect(lines.map(({ object }) => Array.isArray(object.columnDefinitions))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('discovery', () => {
  test('both forms list the same resources', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const found = new Set<string>();
    for (const root of ['/api', '/apis']) {
      const { body, headers } = await call('GET', root, { headers: { Accept: accept } });
      expect(headers.get('content-type')).toContain('as=APIGroupDiscoveryList');
      for (const { metadata, versions } of body.items as {
        metadata: { name?: string };
        versions: { version: string; resources: { resource: string }[] }[];
      }[])
        for (const { version, resources } of versions)
          for (const { resource } of resources)
            found.add(`${metadata.name ? `${metadata.name}/` : ''}${version}/${resource}`);
    }
    const { body } = await call('GET', '/apis');
    const versions = (body.groups as { versions: { groupVersion: string }[] }[]).flatMap(
      (group) => group.versions,
    );
    const listed = new Set<string>();
    for (const path of ['/api/v1', ...versions.map(({ groupVersion }) => `/apis/${groupVersion}`)]) {
      const { body: list } = await call('GET', path);
      for (const { name } of list.resources as { name: string }[])
        if (!name.includes('/')) listed.add(`${list.groupVersion}/${name}`);
    }
    expect([...found].sort()).toEqual([...listed].sort());
  });

  test('OpenAPI has a document for every group version', async () => {
    const { body } = await call('GET', '/openapi/v3');
    for (const { serverRelativeURL } of Object.values(
      body.paths as Record<string, { serverRelativeURL: string }>,
    )) {
      const { status, body: document } = await call('GET', serverRelativeURL);
      expect([status, document.openapi]).toEqual([200, '3.0.0']);
    }
  });
});
