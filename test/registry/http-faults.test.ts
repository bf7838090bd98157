import { afterEach, describe, expect, test } from 'vitest';
import { HttpRegistry, type HttpRegistryOptions } from '../../operator/adapters/registry-http.ts';
import type { RegistryFault, RegistryOperation, RegistryRequest } from '../../sim/registry/fault.ts';
import { type HandlerOptions, type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from './hasty-clock.ts';

const NAME = 'fleet/thermo';
let server: RegistryServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A registry with two versions of the firmware, whose weather `faults` decides request by request. */
async function serve(
  faults: (request: RegistryRequest) => RegistryFault | undefined,
  handler: HandlerOptions = {},
  client: Partial<HttpRegistryOptions> = {},
) {
  const store = new RegistryStore();
  const serverClock = hastyClock();
  const requests: RegistryRequest[] = [];
  let isOn = false;
  server = await serveRegistry(store, {
    ...handler,
    faults: {
      clock: serverClock,
      intercept: (request) => {
        if (!isOn) return undefined;
        requests.push(request);
        return faults(request);
      },
    },
  });
  const clock = hastyClock();
  const registry = new HttpRegistry({ clock, ...client });
  const { host } = server;
  for (const version of ['1.0.0', '2.0.0'])
    await pushFirmware(registry, { host, name: NAME, tag: version }, packThermo(version));
  isOn = true;
  const fetch = async (chip = 'esp32') => {
    const resolved = await resolveFirmware({ registry }, `${host}/${NAME}:1.0.0`);
    return { resolved, firmware: await fetchForChip({ registry }, resolved, chip) };
  };
  return { store, registry, fetch, requests, clock, serverClock, host };
}

/** The fault for the first so many requests of one kind. */
function first(count: number, operation: RegistryOperation, fault: RegistryFault) {
  let left = count;
  return (request: RegistryRequest) => (request.operation === operation && left-- > 0 ? fault : undefined);
}

test('requests are told apart as in process', async () => {
  const { fetch, requests, host } = await serve(() => undefined);
  const { resolved, firmware } = await fetch();
  expect(requests).toEqual([
    { operation: 'resolve', host, name: NAME, target: '1.0.0' },
    { operation: 'manifest', host, name: NAME, target: resolved.digest },
    { operation: 'manifest', host, name: NAME, target: firmware.manifestDigest },
    { operation: 'blob', host, name: NAME, target: firmware.imageDigest },
  ]);
});

describe('weather that passes delays a device and harms nothing', () => {
  test.each<[string, RegistryFault]>([
    ['answers 503', { kind: 'error', code: 'unavailable' }],
    ['asks to wait', { kind: 'error', code: 'too-many-requests', retryAfterMs: 3000 }],
    ['cuts the layer short', { kind: 'short-read', bytesMax: 1000 }],
    ['flips a byte of the layer', { kind: 'flipped-byte', offsetBytes: 2000 }],
    ['is slow', { kind: 'slow', bytesPerSecond: 20_000 }],
    ['is late', { kind: 'latency', delayMs: 5000 }],
  ])('%s', async (_, fault) => {
    const { fetch, store } = await serve(first(2, 'blob', fault));
    const { firmware } = await fetch();
    expect(firmware.image).toEqual(store.blob(NAME, firmware.imageDigest));
  });

  test('a slow answer takes as long as its bytes do', async () => {
    const { fetch, serverClock } = await serve(first(1, 'blob', { kind: 'slow', bytesPerSecond: 1000 }));
    const { firmware } = await fetch();
    const waitedMs = serverClock.sleptMs.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeGreaterThanOrEqual(firmware.image.length - 100);
  });
});

describe('weather that stays is named at the hop it strikes', () => {
  test.each<[string, RegistryOperation, RegistryFault, object]>([
    ['503', 'resolve', { kind: 'error', code: 'unavailable' }, { hop: 'resolve', code: 'unavailable' }],
    ['a deleted blob', 'blob', { kind: 'error', code: 'not-found' }, { hop: 'layer', code: 'not-found' }],
    [
      'a flipped byte in the manifests',
      'manifest',
      { kind: 'flipped-byte', offsetBytes: 20 },
      { hop: 'index', code: 'digest-mismatch' },
    ],
    [
      'a flipped byte in the layer',
      'blob',
      { kind: 'flipped-byte', offsetBytes: 20 },
      { hop: 'layer', code: 'digest-mismatch' },
    ],
    [
      'a wrong digest header',
      'resolve',
      { kind: 'wrong-digest', digest: digestOf(new Uint8Array(9)) },
      { hop: 'index', code: 'not-found' },
    ],
  ])('%s', async (_, operation, fault, expected) => {
    const { fetch } = await serve((request) => (request.operation === operation ? fault : undefined));
    await expect(fetch()).rejects.toMatchObject(expected);
  });

  test('a registry that falls silent in the middle', async () => {
    const stall: RegistryFault = { kind: 'stall', afterBytes: 100 };
    const { fetch, clock, requests } = await serve(
      ({ operation }) => (operation === 'blob' ? stall : undefined),
      {},
      { retry: { attemptsMax: 2, backoffMs: 1, waitMsMax: 1 } },
    );
    const pending = expect(fetch()).rejects.toMatchObject({ hop: 'layer', code: 'timeout' });
    let isOver = false;
    void pending.finally(() => {
      isOver = true;
    });
    // Time runs only while nothing else can: each silent answer is given up when the clock says so.
    while (!isOver) {
      const before = requests.length;
      await new Promise((resolve) => setImmediate(resolve));
      if (requests.length === before && requests.at(-1)?.operation === 'blob') clock.fireTimers();
    }
    await pending;
  });
});

test('a tag that moves after it was resolved changes nothing; asked again, it is the other version', async () => {
  const { fetch, store, registry } = await serve(({ operation, target }) =>
    operation === 'resolve' && target === '1.0.0'
      ? { kind: 'tag-moved', digest: store.manifest(NAME, '2.0.0').digest }
      : undefined,
  );
  const { resolved, firmware } = await fetch('esp32c3');
  expect(resolved.digest).toBe(packThermo('2.0.0').digest);
  expect(firmware.meta?.version).toBe('2.0.0');
  expect(await registry.tags(resolved.repository)).toEqual(['1.0.0', '2.0.0']);
});

describe('a registry that asks for a login', () => {
  const users = new Map([['fleet', 'orchard']]);
  const secret = new Uint8Array(32).fill(4);
  const login = { credentials: () => ({ username: 'fleet', password: 'orchard' }) };

  test.each(['basic', 'bearer'] as const)('%s: serves who has one, and nobody else', async (scheme) => {
    const auth = { users, scheme, secret, clock: hastyClock() };
    const { fetch, host } = await serve(() => undefined, { auth }, login);
    await fetch();
    for (const credentials of [undefined, { username: 'fleet', password: 'wrong' }]) {
      const stranger = new HttpRegistry({ clock: hastyClock(), credentials: () => credentials });
      await expect(stranger.resolve({ host, name: NAME, tag: '1.0.0' })).rejects.toMatchObject({
        code: 'unauthorized',
      });
    }
  });

  test('lets strangers read where that is wanted, and not write', async () => {
    const auth = { users, secret, clock: hastyClock(), anonymousPull: true };
    const { host } = await serve(() => undefined, { auth }, login);
    const stranger = new HttpRegistry({ clock: hastyClock() });
    const reference = { host, name: NAME, tag: '1.0.0' };
    expect((await stranger.resolve(reference)).digest).toBe(packThermo().digest);
    await expect(stranger.putBlob(reference, new Uint8Array(9))).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  test('a token that expires in mid-download is replaced, and the download goes on', async () => {
    const auth = { users, secret, clock: hastyClock() };
    const cut: RegistryFault = { kind: 'short-read', bytesMax: 2000 };
    const faults = [cut, { kind: 'expired-token' } as const];
    const { fetch, requests } = await serve(
      ({ operation }) => (operation === 'blob' ? faults.shift() : undefined),
      { auth },
      login,
    );
    const { firmware } = await fetch();
    expect(firmware.image.length).toBe(5008);
    expect(requests.filter(({ operation }) => operation === 'blob')).toHaveLength(3);
  });

  test('a token that was tampered with or is out of date is worth nothing', async () => {
    const clock = hastyClock();
    const auth = { users, secret, clock, tokenLifetimeMs: 60_000 };
    const { host } = await serve(() => undefined, { auth }, login);
    const basic = `Basic ${Buffer.from('fleet:orchard').toString('base64')}`;
    const asked = await fetch(`http://${host}/token?scope=repository:${NAME}:pull`, {
      headers: { authorization: basic },
    });
    const { token } = (await asked.json()) as { token: string };
    const status = async (given: string): Promise<number> => {
      const headers = { authorization: `Bearer ${given}` };
      return (await fetch(`http://${host}/v2/${NAME}/tags/list`, { headers })).status;
    };
    expect(await status(token)).toBe(200);
    expect(await status(`x${token}`)).toBe(401);
    expect(await status(`${token}x`)).toBe(401);
    await clock.sleep(60_000);
    expect(await status(token)).toBe(401);
  });
});

test('a read-only registry serves and changes nothing', async () => {
  const store = new RegistryStore();
  server = await serveRegistry(store, { isReadOnly: true });
  store.putBlob(NAME, new Uint8Array(10));
  const registry = new HttpRegistry({ clock: hastyClock() });
  const repository = { host: server.host, name: NAME };
  const key = { digest: digestOf(new Uint8Array(10)), size: 10 };
  expect(await registry.blob(repository, key)).toHaveLength(10);
  await expect(registry.putBlob(repository, new Uint8Array(11))).rejects.toMatchObject({
    code: 'unsupported',
  });
  for (const method of ['DELETE', 'PUT', 'PATCH', 'POST']) {
    const answer = await fetch(`http://${server.host}/v2/${NAME}/blobs/${key.digest}`, { method });
    expect(answer.status).toBe(405);
  }
  expect(store.hasBlob(NAME, key.digest)).toBe(true);
});
