import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpRegistry, type HttpRegistryOptions } from '../../operator/adapters/registry-http.ts';
import { registryHandler } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { hastyClock } from './hasty-clock.ts';
import { type HostileServer, serveHostile } from './hostile-server.ts';

const BYTES = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) & 0xff);
const KEY = { digest: digestOf(BYTES), size: BYTES.length };

let server: HostileServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

async function against(handle: Handle, options: Partial<HttpRegistryOptions> = {}) {
  server = await serveHostile(handle);
  const clock = hastyClock();
  const repository = { host: server.host, name: 'fleet/thermo' };
  return { registry: new HttpRegistry({ clock, ...options }), repository, clock, server };
}

/** Sends `bytes` with the length of all of them and breaks off after `upTo`. */
function breakOff(response: ServerResponse, bytes: Uint8Array, upTo: number): void {
  response.setHeader('content-length', bytes.length);
  response.write(bytes.subarray(0, upTo), () => response.destroy());
}

describe('a download that breaks off', () => {
  /** Answers the first requests as `starts` says and the rest well; notes every Range. */
  function resumable(...starts: readonly ((response: ServerResponse, from: number) => void)[]) {
    const ranges: (string | undefined)[] = [];
    const handle: Handle = (request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (request.headers.range !== undefined) {
        response.statusCode = 206;
        response.setHeader('content-range', `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`);
      }
      const start = starts[ranges.length - 1];
      if (start === undefined) response.end(BYTES.subarray(from));
      else start(response, from);
    };
    return { ranges, handle };
  }

  test('goes on from where it was, every time', async () => {
    const cut = (response: ServerResponse, from: number) => breakOff(response, BYTES.subarray(from), 30_000);
    const { ranges, handle } = resumable(cut, cut);
    const { registry, repository } = await against(handle);
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
    expect(ranges).toEqual([undefined, 'bytes=30000-99999', 'bytes=60000-99999']);
  });

  test('ends as often as it must while it gets further, and five times when it does not', async () => {
    const cut = (response: ServerResponse, from: number) => breakOff(response, BYTES.subarray(from), 10_000);
    const slow = resumable(...Array.from({ length: 9 }, () => cut));
    const { registry, repository, server } = await against(slow.handle);
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
    expect(slow.ranges).toHaveLength(10);
    await server.close();
    const stuck = await against((_, response) => breakOff(response, BYTES, 10));
    await expect(stuck.registry.blob(stuck.repository, KEY)).rejects.toMatchObject({ code: 'unavailable' });
    expect(stuck.server.requests).toHaveLength(5);
  });

  test('is read again from its start where the registry ignores Range', async () => {
    let calls = 0;
    const { registry, repository } = await against((_, response) => {
      if (calls++ === 0) breakOff(response, BYTES, 30_000);
      else response.end(BYTES);
    });
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
  });

  test('starts over when what was put together is not what was asked for', async () => {
    const spoiled = Uint8Array.from(BYTES);
    spoiled[5] = 0xff;
    const { ranges, handle } = resumable((response) => breakOff(response, spoiled, 30_000));
    const { registry, repository } = await against(handle);
    expect(await registry.blob(repository, KEY)).toEqual(BYTES);
    expect(ranges).toEqual([undefined, 'bytes=30000-99999', undefined]);
  });

  test('is refused when the registry goes on somewhere else', async () => {
    const { registry, repository } = await against((request, response) => {
      if (request.headers.range === undefined) return breakOff(response, BYTES, 30_000);
      response.writeHead(206, { 'content-range': 'bytes 40000-99999/100000' }).end(BYTES.subarray(40_000));
    });
    await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'malformed' });
  });
});

test('a blob that stays wrong is a digest mismatch after five whole fetches', async () => {
  const { registry, repository, server } = await against((_, response) =>
    response.end(new Uint8Array(BYTES.length)),
  );
  await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect(server.requests).toHaveLength(5);
});

describe('an upload in chunks', () => {
  test('arrives whole, and small blobs still go in one piece', async () => {
    const store = new RegistryStore();
    const { registry, repository, server } = await against(registryHandler(store), { chunkBytes: 30_000 });
    await registry.putBlob(repository, BYTES);
    await registry.putBlob(repository, BYTES.subarray(0, 30_000));
    expect(store.blob('fleet/thermo', KEY.digest)).toEqual(BYTES);
    const methods = server.requests.map((line) => line.split(' ', 1)[0]);
    expect(methods).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PUT', 'HEAD', 'POST', 'PUT']);
  });

  test('that breaks off goes on from what the registry holds', async () => {
    const store = new RegistryStore();
    const api = registryHandler(store);
    let patches = 0;
    const { registry, repository, server } = await against(
      (request, response) => {
        if (request.method === 'PATCH' && ++patches === 2) return void response.writeHead(503).end();
        api(request, response);
      },
      { chunkBytes: 30_000 },
    );
    await registry.putBlob(repository, BYTES);
    expect(store.blob('fleet/thermo', KEY.digest)).toEqual(BYTES);
    const methods = server.requests.map((line) => line.split(' ', 1)[0]);
    expect(methods).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'GET', 'PATCH', 'PATCH', 'PUT']);
  });

  test('whose session the registry forgot starts over', async () => {
    const store = new RegistryStore();
    const api = registryHandler(store);
    let patches = 0;
    const { registry, repository } = await against(
      (request, response) => {
        if (request.method === 'PATCH' && ++patches === 2) return void response.writeHead(500).end();
        if (request.method === 'GET') return void response.writeHead(404).end();
        api(request, response);
      },
      { chunkBytes: 30_000 },
    );
    await registry.putBlob(repository, BYTES);
    expect(store.blob('fleet/thermo', KEY.digest)).toEqual(BYTES);
  });

  test('uses no smaller chunks than the registry allows', async () => {
    const api = registryHandler(new RegistryStore());
    const { registry, repository, server } = await against(
      (request, response) => {
        if (request.method === 'POST') response.setHeader('oci-chunk-min-length', '60000');
        api(request, response);
      },
      { chunkBytes: 10_000 },
    );
    await registry.putBlob(repository, BYTES);
    expect(server.requests.filter((line) => line.startsWith('PATCH'))).toHaveLength(1);
  });
});

test('waits are spread between half and all of the backoff when chance is given', async () => {
  const random = SeededRandom.ofSeed(7);
  const { registry, repository, clock } = await against((_, response) => response.writeHead(502).end(), {
    random,
  });
  await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'unavailable' });
  const shares = clock.sleptMs.map((sleptMs, index) => sleptMs / (500 * 2 ** index));
  expect(shares).toHaveLength(4);
  for (const share of shares) {
    expect(share).toBeGreaterThanOrEqual(0.5);
    expect(share).toBeLessThan(1);
  }
  expect(new Set(shares).size).toBe(4);
});

test('no more requests than allowed are on their way at once', async () => {
  let [now, most] = [0, 0];
  const held: (() => void)[] = [];
  const { registry, repository } = await against(
    (_, response) => {
      most = Math.max(most, ++now);
      held.push(() => {
        now--;
        response.end(BYTES);
      });
      if (held.length % 3 === 0) for (const release of held.splice(0)) release();
    },
    { requestsMax: 3 },
  );
  await Promise.all(Array.from({ length: 12 }, () => registry.blob(repository, KEY)));
  expect(most).toBe(3);
});

test('a redirect whose body has no end is followed, and its body left', async () => {
  let left = (): void => {};
  const isLeft = new Promise<void>((resolve) => {
    left = resolve;
  });
  const { registry, repository } = await against((request, response) => {
    if (request.url === '/elsewhere') return void response.end(BYTES);
    response.once('close', left);
    const say = (): void => {
      if (response.destroyed) return;
      if (response.write('x'.repeat(65_536))) setImmediate(say);
      else response.once('drain', say);
    };
    response.writeHead(307, { location: '/elsewhere' });
    say();
  });
  expect(await registry.blob(repository, KEY)).toEqual(BYTES);
  await isLeft;
});

test('a redirect from TLS into the clear would be refused, and one without end is', async () => {
  const { registry, repository, server } = await against((request, response) =>
    response.writeHead(307, { location: request.url ?? '' }).end(),
  );
  await expect(registry.blob(repository, KEY)).rejects.toMatchObject({ code: 'malformed' });
  expect(server.requests).toHaveLength(6);
  const { registry: other, repository: elsewhere } = await against((_, response) =>
    response.writeHead(307, { location: 'ftp://example.org/blob' }).end(),
  );
  await expect(other.blob(elsewhere, KEY)).rejects.toMatchObject({
    message: expect.stringMatching(/not HTTPS/),
  });
});
