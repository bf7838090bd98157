import { describe, expect, test } from 'vitest';
import type { RegistryFault } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { TrafficMeter } from '../../sim/registry/traffic-meter.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import type { RetryPolicy } from '../../src/oci/retry.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from './hasty-clock.ts';

const REFERENCE = { host: 'registry.local', name: 'fleet/thermo', tag: '1.0.0' };
const BYTES = new Uint8Array(5000).fill(3);

async function struckBy(weather: RegistryFault | (() => RegistryFault | undefined), retry?: RetryPolicy) {
  let isOn = false;
  const clock = hastyClock();
  const fault = typeof weather === 'function' ? weather : () => weather;
  const intercept = () => (isOn ? fault() : undefined);
  const store = new RegistryStore();
  const meter = new TrafficMeter(store, 'edge-1');
  const registry = new InProcessRegistry(store, {
    hosts: [REFERENCE.host],
    clock,
    intercept,
    meter,
    ...(retry && { retry }),
  });
  const digest = await registry.putBlob(REFERENCE, BYTES);
  await pushFirmware(registry, { ...REFERENCE, tag: '2.0.0' }, packThermo('2.0.0'));
  await pushFirmware(registry, REFERENCE, packThermo());
  isOn = true;
  return { registry, clock, meter, key: { digest, size: BYTES.length } };
}

test('slow content takes as long as its bytes do', async () => {
  const { registry, clock, key } = await struckBy({ kind: 'slow', bytesPerSecond: 1000 });
  await registry.blob(REFERENCE, key);
  expect(clock.sleptMs).toEqual([5000]);
});

test('silence is given up after thirty seconds, as over HTTP', async () => {
  const { registry, clock, key } = await struckBy({ kind: 'stall', afterBytes: 100 });
  await expect(registry.blob(REFERENCE, key)).rejects.toMatchObject({ code: 'timeout', retryable: true });
  expect(clock.sleptMs).toEqual([30_000]);
});

test('a moved tag means the other manifest, and the digest still means what it did', async () => {
  const { registry } = await struckBy({ kind: 'tag-moved', digest: packThermo('2.0.0').digest });
  expect((await registry.resolve(REFERENCE)).digest).toBe(packThermo('2.0.0').digest);
  const { bytes } = await registry.manifest(REFERENCE, packThermo().digest);
  expect(bytes).toEqual(packThermo().index.bytes);
});

test('a token that has run out is replaced; one refused when it is new ends the call by name', async () => {
  const refusals = [1, 2].map((): RegistryFault => ({ kind: 'expired-token' }));
  const { registry, key } = await struckBy(() => refusals.shift());
  await expect(registry.blob(REFERENCE, key)).rejects.toMatchObject({ code: 'unauthorized' });
  refusals.push({ kind: 'expired-token' });
  expect(await registry.blob(REFERENCE, key)).toEqual(BYTES);
});

describe('with the retries of a client over HTTP', () => {
  const retry = { attemptsMax: 3, backoffMs: 500, waitMsMax: 60_000 };

  test('a download that breaks off goes on behind what is there, and only that is sent again', async () => {
    const weather: RegistryFault[] = [
      { kind: 'short-read', bytesMax: 2000 },
      { kind: 'stall', afterBytes: 1000 },
      { kind: 'expired-token' },
    ];
    const { registry, clock, key, meter } = await struckBy(() => weather.shift(), retry);
    expect(await registry.blob(REFERENCE, key)).toEqual(BYTES);
    expect(clock.sleptMs).toEqual([500, 30_000, 500]);
    expect(meter.traffic).toEqual([{ node: 'edge-1', content: 'other', answers: 3, bytes: 5000 }]);
  });

  test('a spoiled download is sent again as a whole, and counted as often', async () => {
    const weather: RegistryFault[] = [{ kind: 'flipped-byte', offsetBytes: 4711 }];
    const { registry, key, meter } = await struckBy(() => weather.shift(), retry);
    expect(await registry.blob(REFERENCE, key)).toEqual(BYTES);
    expect(meter.traffic).toMatchObject([{ answers: 2, bytes: 10_000 }]);
  });

  test('who is asked to wait waits so long, and weather that stays comes out as it is', async () => {
    const asked: RegistryFault = { kind: 'error', code: 'too-many-requests', retryAfterMs: 7000 };
    const { registry, clock, key } = await struckBy(() => asked, retry);
    await expect(registry.blob(REFERENCE, key)).rejects.toMatchObject({ code: 'too-many-requests' });
    expect(clock.sleptMs).toEqual([7000, 7000]);
  });
});
