import { expect, test } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';
import { injectFault } from '../../sim/faults/inject.ts';
import { RegistryWeather } from '../../sim/faults/registry-weather.ts';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { FaultName } from '../../src/scenario/fault.ts';
import { firmware } from '../operator/rig.ts';

const REFERENCE = 'registry.local/thermo:1.0.0';

/** A registry with two tags under a fault, and one fetch through it: what came of it. */
async function fetchUnder(fault: FaultName, parameters: Readonly<Record<string, number>> = {}) {
  const clock = new VirtualClock();
  const store = new RegistryStore();
  const weather = new RegistryWeather(store, SeededRandom.ofSeed(1));
  const registry = new InProcessRegistry(store, {
    hosts: ['registry.local'],
    clock,
    intercept: weather.intercept,
  });
  const keyOf = (): never => expect.fail('nothing is signed');
  await new FirmwareFactory([firmware('thermo:1.0.0'), firmware('thermo:2.0.0')]).push(registry, keyOf);
  const cast = {
    killOperator: () => {},
    startOperator: () => {},
    dropWatches: () => {},
    killAgents: () => {},
  };
  const stage = { boards: new Map(), links: undefined, api: undefined, registry: weather, cast };
  const heal = await injectFault(stage, { fault, boards: [], parameters }, () => {});
  let told: string | undefined;
  const run = async (): Promise<void> => {
    told = undefined;
    try {
      const { meta } = await fetchForChip(
        { registry },
        await resolveFirmware({ registry }, REFERENCE),
        'esp32',
      );
      told = meta?.version ?? 'none';
    } catch (error) {
      const { code, hop } = error as { readonly code: string; readonly hop: string };
      told = `${code} at ${hop}`;
    }
  };
  void run();
  await clock.run(() => told !== undefined, 600_000);
  const during = told;
  const tookMs = clock.nowMs;
  await heal();
  void run();
  await clock.run(() => told !== undefined, 1_200_000);
  return { during, tookMs, after: told };
}

test.each([
  ['registry-unavailable', 'unavailable at resolve'],
  ['registry-errors', 'unavailable at resolve'],
  ['registry-throttled', 'too-many-requests at resolve'],
  ['registry-stalled', 'timeout at index'],
  ['registry-short-read', 'size-mismatch at index'],
  ['registry-flipped-bytes', 'digest-mismatch at index'],
  ['registry-wrong-digest', 'not-found at index'],
  ['registry-blob-deleted', 'not-found at layer'],
  ['tag-moved', '2.0.0'],
] as const)('%s ends a fetch with %s, and healed it is as before', async (fault, ending) => {
  expect(await fetchUnder(fault)).toMatchObject({ during: ending, after: '1.0.0' });
});

test('a slow registry is only slow, and takes the time that its rate says', async () => {
  const { during, tookMs } = await fetchUnder('registry-slow', { rate: 4_000 });
  expect(during).toBe('1.0.0');
  // 40,000 bytes of image at least, and two manifests.
  expect(tookMs).toBeGreaterThan(10_000);
});
