import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpRegistry, type HttpRegistryOptions } from '../../operator/adapters/registry-http.ts';
import { tokenUrl } from '../../operator/adapters/registry-http-auth.ts';
import { RegistryTransport } from '../../operator/adapters/registry-http-transport.ts';
import { registryHandler } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { type HastyClock, hastyClock } from './hasty-clock.ts';
import { type HostileServer, serveHostile } from './hostile-server.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff);
const KEY = { digest: digestOf(BYTES), size: BYTES.length };

let server: HostileServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

async function against(handle: Handle, options: Partial<HttpRegistryOptions> = {}) {
  server = await serveHostile(handle);
  const clock: HastyClock = hastyClock();
  const repository = { host: server.host, name: 'fleet/thermo' };
  return { registry: new HttpRegistry({ clock, ...options }), repository, clock, server };
}

describe('retries', () => {
  test('what Retry-After asks for is waited, then the request succeeds', async () => {
    let refusals = 2;
    const { registry, repository, clock } = await against((_, response) => {
      if (refusals-- > 0) response.writeHead(429, { 'retry-after': '7' }).end();
      else response.end(BYTES);
    });
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
    expect(clock.sleptMs).toEqual([7000, 7000]);
  });

  test('Retry-After may be a date', async () => {
    let refusals = 1;
    const { registry, repository, clock } = await against((_, response) => {
      if (refusals-- > 0) response.writeHead(503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:20 GMT' }).end();
      else response.end(BYTES);
    });
    await registry.blob(repository, KEY);
    expect(clock.sleptMs).toEqual([20_000]);
  });

  test('a registry that asks for more patience than there is ends the call and says how long', async () => {
    const { registry, repository, clock } = await against((_, response) =>
      response.writeHead(429, { 'retry-after': '3600' }).end(),
    );
    await expect(registry.blob(repository, KEY)).rejects.toMatchObject({
      code: 'too-many-requests',
      retryAfterMs: 3_600_000,
    });
    expect(clock.sleptMs).toEqual([]);
  });

  test('5xx is tried five times with doubling waits, then given up as unavailable', async () => {
    const { registry, repository, clock, server } = await against((_, response) =>
      response.writeHead(502).end(),
    );
    await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'unavailable' });
    expect(clock.sleptMs).toEqual([500, 1000, 2000, 4000]);
    expect(server.requests).toHaveLength(5);
  });

  test('a download that is cut off is asked for again', async () => {
    let cuts = 1;
    const { registry, repository } = await against((_, response) => {
      if (cuts-- === 0) return void response.end(BYTES);
      response.writeHead(200, { 'content-length': 1000 });
      response.write(BYTES.subarray(0, 300), () => response.destroy());
    });
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
  });

  test('what will not change by waiting is asked once', async () => {
    for (const [status, code] of [
      [400, 'malformed'],
      [401, 'unauthorized'],
      [403, 'denied'],
      [404, 'not-found'],
      [405, 'unsupported'],
    ] as const) {
      const { registry, repository, clock, server } = await against((_, response) =>
        response.writeHead(status).end(),
      );
      await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code });
      expect(clock.sleptMs).toEqual([]);
      expect(server.requests).toHaveLength(1);
      await server.close();
    }
  });

  test('a server that falls silent is given up when its time has come', async () => {
    let calls = 0;
    const fixture = await against(
      () => {
        calls++;
        fixture.clock.fireTimers();
      },
      { retry: { attemptsMax: 2, backoffMs: 1, waitMsMax: 1 } },
    );
    await expect(fixture.registry.blob(fixture.repository, KEY)).rejects.toMatchObject({ code: 'timeout' });
    expect(calls).toBe(2);
  });

  test('nobody listening is unavailable, with the system error named', async () => {
    const { registry, repository, server } = await against(() => {});
    await server.close();
    await expect(registry.blob(repository, KEY)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('limits', () => {
  test('an endless answer is left at the stated size', async () => {
    let stopped = (): void => {};
    const closed = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const { registry, repository } = await against((_, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(BYTES));
      };
      response.on('drain', pour).on('close', stopped);
      pour();
    });
    await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'too-large' });
    await closed;
  });

  test('an answer that announces too much is not read at all', async () => {
    const { registry, repository } = await against((_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000_000, 'content-type': OCI_MANIFEST });
      response.flushHeaders();
    });
    await expect(registry.manifest(repository, KEY.digest)).rejects.toMatchObject({ code: 'too-large' });
  });

  test('a registry that ignores Range still gives the part that was asked for', async () => {
    const { registry, repository } = await against((_, response) => response.end(BYTES));
    const part = await registry.blob(repository, KEY, { offsetBytes: 10, lengthBytes: 20 });
    expect(part).toEqual(BYTES.subarray(10, 30));
  });

  test('a list without an end is given up', async () => {
    const { registry, repository } = await against((request, response) => {
      response.writeHead(200, { link: `<${request.url}>; rel="next"` }).end('{"name":"x","tags":[]}');
    });
    await expect(registry.tags(repository)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('an answer that is not what the specification says is malformed', async () => {
    const { registry, repository } = await against((_, response) => response.end('{"tags":[1]}'));
    await expect(registry.tags(repository)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('tags[0]'),
    });
  });
});

describe('authorization', () => {
  const credentials = { username: 'fleet', password: 'hunter2' };
  const basic = `Basic ${Buffer.from('fleet:hunter2').toString('base64')}`;

  /** The embedded registry behind a gate, and its token server. */
  function gated(scheme: 'basic' | 'bearer', store: RegistryStore): Handle {
    const api = registryHandler(store);
    let tokens = 0;
    return (request, response) => {
      const url = new URL(request.url ?? '/', 'http://x');
      const given = request.headers.authorization;
      if (url.pathname === '/token') {
        if (given !== basic) return void response.writeHead(401).end();
        const token = `token-${++tokens}-${url.searchParams.get('scope')}`.replaceAll(/[^\w-]/g, '_');
        return void response.end(JSON.stringify({ token, expires_in: 300 }));
      }
      if (scheme === 'basic' ? given === basic : given?.startsWith('Bearer token-'))
        return api(request, response);
      const realm = `http://${request.headers.host}/token`;
      const challenge = scheme === 'basic' ? 'Basic realm="r"' : `Bearer realm="${realm}",service="s"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    };
  }

  test('basic: challenged once, then sent along', async () => {
    const { registry, repository, server } = await against(gated('basic', new RegistryStore()), {
      credentials: () => credentials,
    });
    const digest = await registry.putBlob(repository, BYTES);
    expect(await registry.blob(repository, { digest, size: 1000 })).toEqual(BYTES);
    expect(server.requests).toHaveLength(3 + 1 + 1 + 1);
  });

  test('bearer: one token for pushing and one for pulling, each used until it expires', async () => {
    const { registry, repository, server, clock } = await against(gated('bearer', new RegistryStore()), {
      credentials: () => credentials,
    });
    const digest = await registry.putBlob(repository, BYTES);
    const tokenRequests = () => server.requests.filter((line) => line.includes('/token'));
    for (let count = 0; count < 3; count++) await registry.blob(repository, { digest, size: 1000 });
    expect(tokenRequests()).toEqual([
      expect.stringContaining('scope=repository%3Afleet%2Fthermo%3Apull%2Cpush'),
      expect.stringContaining('scope=repository%3Afleet%2Fthermo%3Apull'),
    ]);
    await clock.sleep(300_000);
    await registry.blob(repository, { digest, size: 1000 });
    expect(tokenRequests()).toHaveLength(3);
  });

  test('without credentials, or with wrong ones, the call is unauthorized', async () => {
    for (const given of [undefined, { username: 'fleet', password: 'wrong' }])
      for (const scheme of ['basic', 'bearer'] as const) {
        const { registry, repository, server } = await against(gated(scheme, new RegistryStore()), {
          credentials: () => given,
        });
        await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'unauthorized' });
        await server.close();
      }
  });

  test('no error ever holds a password, a token or a signed query, whatever the registry answers', async () => {
    const secrets = ['hunter2', basic, 'token-1', 'signature'];
    for (const status of [400, 401, 403, 404, 500]) {
      const { registry, repository, server } = await against(
        (request, response) => {
          if (request.url?.startsWith('/token')) return void response.end('{"token":"token-1"}');
          if (request.headers.authorization === undefined) {
            const challenge = `Bearer realm="http://${request.headers.host}/token"`;
            return void response.writeHead(401, { 'www-authenticate': challenge }).end();
          }
          if (request.method === 'HEAD') return void response.writeHead(404).end();
          if (request.method === 'POST') {
            const location = `/elsewhere?signature=${request.headers.authorization}`;
            return void response.writeHead(202, { location }).end();
          }
          const message = JSON.stringify(request.headers);
          response.writeHead(status).end(JSON.stringify({ errors: [{ code: 'OOPS', message }] }));
        },
        { credentials: () => credentials, retry: { attemptsMax: 1, backoffMs: 1, waitMsMax: 1 } },
      );
      const calls = [() => registry.putBlob(repository, BYTES), () => registry.blob(repository, KEY)];
      for (const call of calls) {
        const error = await call().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toMatchObject({ name: 'RegistryError' });
        const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
        for (const secret of secrets) expect(text).not.toContain(secret);
      }
      await server.close();
    }
  });

  test('a token realm in the clear gets no credentials from a registry on TLS', () => {
    const challenge = { scheme: 'bearer', realm: 'http://evil.example/token' } as const;
    expect(() => tokenUrl(challenge, 'repository:x:pull', false)).toThrow(/not HTTPS/);
  });
});

test('an upload sent to another server does not take the token along', async () => {
  const seen: (string | undefined)[] = [];
  const bucket = await serveHostile((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(201).end();
  });
  const basic = { username: 'fleet', password: 'hunter2' };
  const { registry, repository } = await against(
    (request, response) => {
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      if (request.method === 'HEAD') return void response.writeHead(404).end();
      response.writeHead(202, { location: `http://${bucket.host}/put?x=1` }).end();
    },
    { credentials: () => basic },
  );
  await registry.putBlob(repository, BYTES);
  expect(seen).toEqual([undefined]);
  expect(bucket.requests).toEqual([`PUT /put?x=1&digest=${encodeURIComponent(KEY.digest)}`]);
  await bucket.close();
});

test('a download sent on to another server does not take the token along', async () => {
  const seen: (string | undefined)[] = [];
  const bucket = await serveHostile((request, response) => {
    seen.push(request.headers.authorization);
    response.end(BYTES);
  });
  const { registry, repository } = await against(
    (request, response) => {
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      response.writeHead(307, { location: `http://${bucket.host}/get` }).end();
    },
    { credentials: () => ({ username: 'fleet', password: 'hunter2' }) },
  );
  expect(await registry.blob(repository, KEY)).toEqual(BYTES);
  expect(seen).toEqual([undefined]);
  await bucket.close();
});

test('TLS is used unless the host is this machine or was named insecure', () => {
  const transport = new RegistryTransport({
    clock: hastyClock(),
    insecureHosts: ['plain.local:5000'],
    secureHosts: ['localhost:5443'],
  });
  const origin = (host: string): string => transport.urlOf(host, '/').origin;
  expect(origin('registry.local')).toBe('https://registry.local');
  expect(origin('plain.local:5000')).toBe('http://plain.local:5000');
  expect(origin('plain.local')).toBe('https://plain.local');
  expect(origin('localhost:5000')).toBe('http://localhost:5000');
  expect(origin('localhost:5443')).toBe('https://localhost:5443');
  expect(origin('127.0.0.1:5000')).toBe('http://127.0.0.1:5000');
  expect(origin('[::1]:5000')).toBe('http://[::1]:5000');
  expect(origin('127.0.0.1.example.org')).toBe('https://127.0.0.1.example.org');
  expect(origin('docker.io')).toBe('https://registry-1.docker.io');
  expect(() => transport.urlOf('registry.local', 'http://registry.local/x')).toThrow(/not HTTPS/);
});

test('a registry without digest headers is resolved by content', async () => {
  const body = '{"schemaVersion":2}';
  const { registry, repository } = await against((_, response) => {
    response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(body);
  });
  expect(await registry.resolve({ ...repository, tag: 'x' })).toEqual({
    mediaType: OCI_MANIFEST,
    digest: digestOf(new TextEncoder().encode(body)),
    size: body.length,
  });
});

test('a registry without referrers is asked for the fallback tag', async () => {
  const { registry, repository, server } = await against((_, response) => response.writeHead(404).end());
  expect(await registry.referrers(repository, KEY.digest)).toEqual([]);
  expect(server.requests).toEqual([
    `GET /v2/fleet/thermo/referrers/${KEY.digest}`,
    `GET /v2/fleet/thermo/manifests/${KEY.digest.replace(':', '-')}`,
  ]);
});

test('on a registry without referrers they are listed under the fallback tag, each once', async () => {
  const store = new RegistryStore();
  const api = registryHandler(store);
  const { registry, repository } = await against((request, response) => {
    if (request.url?.includes('/referrers/')) return void response.writeHead(404).end();
    const writeHead = response.writeHead.bind(response);
    // As an older registry: what it stores it stores, of subjects it says nothing.
    response.writeHead = ((status: number, headers: Record<string, string>) => {
      const { 'oci-subject': _, ...others } = headers;
      return writeHead(status, others);
    }) as typeof response.writeHead;
    api(request, response);
  });
  const subject = { mediaType: OCI_MANIFEST, ...KEY };
  const config = { mediaType: 'application/vnd.example.config', digest: KEY.digest, size: KEY.size };
  await registry.putBlob(repository, BYTES);
  const put = async (label: string) => {
    const annotations = { 'dev.example.label': label };
    const bytes = encodeManifest({
      kind: 'manifest',
      mediaType: OCI_MANIFEST,
      config,
      layers: [],
      subject,
      annotations,
    });
    const digest = digestOf(bytes);
    await registry.putManifest({ ...repository, digest }, { mediaType: OCI_MANIFEST, bytes });
    return {
      mediaType: OCI_MANIFEST,
      digest,
      size: bytes.length,
      artifactType: config.mediaType,
      annotations,
    };
  };
  const entries = [await put('one'), await put('two')];
  await put('one');
  expect(await registry.referrers(repository, KEY.digest)).toEqual(entries);
  expect(await registry.tags(repository)).toEqual([KEY.digest.replace(':', '-')]);
});
