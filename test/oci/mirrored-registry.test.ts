import { beforeEach, expect, test } from 'vitest';
import type { Intercept, RegistryRequest } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { MirroredRegistry } from '../../src/oci/mirrored-registry.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from './fixture.ts';
import { idleClock } from './idle-clock.ts';

const [HOST, FIRST, SECOND] = ['registry.local', 'mirror-1.local', 'mirror-2.local'];
const REFERENCE = { host: HOST, name: 'fleet/thermo', tag: '1.0.0' };
let asked: string[];
let registry: MirroredRegistry;

/** One store answers for three hosts; `intercept` makes a mirror bad. */
async function open(intercept: Intercept = () => undefined): Promise<void> {
  const inner = new InProcessRegistry(new RegistryStore(), {
    hosts: [HOST, FIRST, SECOND],
    clock: idleClock,
    intercept: (request: RegistryRequest) => {
      asked.push(request.host);
      return intercept(request);
    },
  });
  registry = new MirroredRegistry(inner, { [HOST]: [FIRST, SECOND] });
  await pushFirmware(registry, REFERENCE, packThermo());
}

const fetch = async () => {
  asked = [];
  const resolved = await resolveFirmware({ registry }, `${HOST}/fleet/thermo:1.0.0`);
  return fetchForChip({ registry }, resolved, 'esp32');
};

beforeEach(() => {
  asked = [];
});

test('writes go to the registry, reads to its first mirror', async () => {
  await open();
  expect(new Set(asked)).toEqual(new Set([HOST]));
  await fetch();
  expect(new Set(asked)).toEqual(new Set([FIRST]));
});

test('a mirror that is away, then one that lies, and the registry answers', async () => {
  await open(({ host }) => {
    if (host === FIRST) return { kind: 'error', code: 'unavailable' };
    return host === SECOND ? { kind: 'flipped-byte', offsetBytes: 10 } : undefined;
  });
  expect((await fetch()).meta?.version).toBe('1.0.0');
  expect(asked.slice(-3)).toEqual([FIRST, SECOND, HOST]);
});

test("when nobody helps, the registry's own failure comes out", async () => {
  await open(({ host, operation }) =>
    operation.startsWith('put')
      ? undefined
      : { kind: 'error', code: host === HOST ? 'denied' : 'unavailable' },
  );
  await expect(fetch()).rejects.toMatchObject({ hop: 'resolve', code: 'denied' });
});
