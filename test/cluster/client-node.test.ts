import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { connect } from '../../operator/adapters/kube-connection.ts';
import { jsonLines } from '../../operator/adapters/kube-watch-lines.ts';
import { NAMESPACE, POD } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import { refusalOf } from '../contract/refusal.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The client, facing a server that answers as told. */
async function facing(listener: RequestListener): Promise<ClientNodeKubeApi> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return ClientNodeKubeApi.connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function errorOf(call: Promise<unknown>): Promise<KubeError> {
  const error = await call.catch((caught: unknown) => caught);
  if (!(error instanceof KubeError)) throw new Error('not a KubeError');
  return error;
}

describe('answers that are no Kubernetes answers', () => {
  test('a proxy that is overloaded says when to come back', async () => {
    const api = await facing((_request, response) =>
      response.writeHead(429, { 'Retry-After': '7' }).end('busy'),
    );
    const error = await errorOf(api.get(NAMESPACE, { name: 'x' }));
    expect([error.reason, error.code, error.message]).toEqual(['TooManyRequests', 429, 'busy']);
    expect(error.details.retryAfterSeconds).toBe(7);
  });

  test.each([
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [500, 'InternalError'],
    [502, 'InternalError'],
    [503, 'ServiceUnavailable'],
    [504, 'Timeout'],
  ])('%d without a body is %s', async (code, reason) => {
    const api = await facing((_request, response) => response.writeHead(code).end());
    expect((await errorOf(api.list(NAMESPACE))).reason).toBe(reason);
  });

  test('a connection that breaks is Unreachable', async () => {
    const api = await facing((request) => request.socket.destroy());
    expect(await refusalOf(api.get(NAMESPACE, { name: 'x' }))).toMatchObject({
      reason: 'Unreachable',
      code: 0,
    });
  });

  test('an answer that breaks off is Unreachable', async () => {
    const api = await facing((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"kind":', () => response.destroy());
    });
    expect((await refusalOf(api.get(NAMESPACE, { name: 'x' }))).reason).toBe('Unreachable');
  });

  test('nobody listening is Unreachable', async () => {
    const api = ClientNodeKubeApi.connect({ url: 'http://127.0.0.1:1' });
    expect((await refusalOf(api.get(NAMESPACE, { name: 'x' }))).reason).toBe('Unreachable');
  });
});

describe('requests', () => {
  test('go where the kind is', async () => {
    const seen: string[] = [];
    const api = await facing((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end('{"metadata":{"resourceVersion":"1"}}');
    });
    await api.get(POD, { namespace: 'a', name: 'b' });
    await api.list(POD, { limit: 5, labelSelector: 'x=y' });
    await api.patch(
      NAMESPACE,
      { name: 'n' },
      { type: 'apply', body: {} },
      { force: true, fieldManager: 'me' },
    );
    await api.patch(
      POD,
      { namespace: 'a', name: 'b' },
      { type: 'merge', body: {} },
      { subresource: 'status' },
    );
    await api.delete(NAMESPACE, { name: 'n' });
    expect(seen).toEqual([
      'GET /api/v1/namespaces/a/pods/b',
      'GET /api/v1/pods?limit=5&labelSelector=x%3Dy',
      'PATCH /api/v1/namespaces/n?fieldManager=me&force=true',
      'PATCH /api/v1/namespaces/a/pods/b/status?fieldManager=brickproof',
      'DELETE /api/v1/namespaces/n',
    ]);
  });

  test('never mean a whole collection by mistake', async () => {
    let requests = 0;
    const api = await facing((_request, response) => {
      requests++;
      response.end('{}');
    });
    expect((await refusalOf(api.delete(NAMESPACE, { name: '' }))).reason).toBe('BadRequest');
    expect((await refusalOf(api.delete(POD, { name: 'x' }))).reason).toBe('BadRequest');
    expect(requests).toBe(0);
  });
});

describe('watch', () => {
  const event = (name: string): string =>
    `${JSON.stringify({ type: 'ADDED', object: { metadata: { name, resourceVersion: '5' } } })}\n`;

  test('a stream that is cut in the middle of a line ends in Unreachable, after what was whole', async () => {
    const api = await facing((_request, response) => {
      response.write(event('whole'));
      response.write(event('cut').slice(0, 20), () => response.destroy());
    });
    const events = api.watch(NAMESPACE, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'whole' } },
    });
    expect((await refusalOf(events.next())).reason).toBe('Unreachable');
  });

  test('a stream that the server ends just ends', async () => {
    const api = await facing((_request, response) => response.end(event('only')));
    const names: unknown[] = [];
    for await (const one of api.watch(NAMESPACE, { signal: new AbortController().signal }))
      names.push(one.type);
    expect(names).toEqual(['ADDED']);
  });

  test('an error in the stream is thrown with its reason', async () => {
    const status = {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version: 1 (2)',
    };
    const api = await facing((_request, response) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`),
    );
    const events = api.watch(NAMESPACE, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect(await refusalOf(events.next())).toMatchObject({ reason: 'Expired', code: 410 });
  });

  test('lines come whole wherever the network cuts them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }) }), { maxLength: 5 }),
        fc.array(fc.nat(200), { maxLength: 6 }),
        async (values, cuts) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
          const places = [...new Set(cuts.filter((cut) => cut < bytes.length))].sort((a, b) => a - b);
          async function* pieces(): AsyncGenerator<Uint8Array> {
            for (const [index, start] of [0, ...places].entries()) yield bytes.subarray(start, places[index]);
          }
          const read: unknown[] = [];
          for await (const value of jsonLines(pieces())) read.push(value);
          expect(read).toEqual(values);
        },
      ),
    );
  });
});

test('a context that is not there is named', () => {
  expect(() => connect({ kubeconfig: '/nonexistent/kubeconfig' })).toThrow(/nonexistent/);
});
