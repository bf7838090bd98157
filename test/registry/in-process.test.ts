import { expect, test } from 'vitest';
import type { RegistryFault } from '../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from './hasty-clock.ts';

const REFERENCE = { host: 'registry.local', name: 'fleet/thermo', tag: '1.0.0' };
const BYTES = new Uint8Array(5000).fill(3);

async function struckBy(fault: RegistryFault) {
  let isOn = false;
  const clock = hastyClock();
  const intercept = () => (isOn ? fault : undefined);
  const registry = new InProcessRegistry(new RegistryStore(), { hosts: [REFERENCE.host], clock, intercept });
  const digest = await registry.putBlob(REFERENCE, BYTES);
  await pushFirmware(registry, { ...REFERENCE, tag: '2.0.0' }, packThermo('2.0.0'));
  await pushFirmware(registry, REFERENCE, packThermo());
  isOn = true;
  return { registry, clock, key: { digest, size: BYTES.length } };
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

test('an expired token is replaced by the client, so that nothing is seen of it here', async () => {
  const { registry, key } = await struckBy({ kind: 'expired-token' });
  expect(await registry.blob(REFERENCE, key)).toEqual(BYTES);
});
