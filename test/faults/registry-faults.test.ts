import { afterEach, describe, expect, test } from 'vitest';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { injectFault } from '../../sim/faults/inject.ts';
import { RegistryWeather } from '../../sim/faults/registry-weather.ts';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { TrafficMeter } from '../../sim/registry/traffic-meter.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { RETRY_POLICY } from '../../src/oci/retry.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { FAULT_NAMES, FAULTS, type FaultName } from '../../src/scenario/fault.ts';
import type { Clock } from '../../src/time/clock.ts';
import { firmware } from '../operator/rig.ts';

/** A registry under the weather of scenarios, as one of its two doors shows it. */
interface Door {
  readonly host: string;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Lets time pass until `promise` settles. */
  readonly settled: <T>(promise: Promise<T>) => Promise<T>;
}

type OpenDoor = (store: RegistryStore, weather: RegistryWeather, meter: TrafficMeter) => Promise<Door>;

/** So many times faster than life: weather is waited out in milliseconds, over real sockets. */
const SPEED = 1000;
let server: RegistryServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const openInProcess: OpenDoor = async (store, { intercept }, meter) => {
  const clock = new VirtualClock();
  const host = 'registry.local';
  const retry = RETRY_POLICY;
  const registry = new InProcessRegistry(store, { hosts: [host], clock, intercept, retry, meter });
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise
      .catch(() => {})
      .finally(() => {
        isOver = true;
      });
    await clock.run(() => isOver, clock.nowMs + 3_600_000);
    return promise;
  };
  return { host, registry, clock, settled };
};

const openOverHttp: OpenDoor = async (store, { intercept }, meter) => {
  const clock = new ScaledClock(SPEED);
  const login = { username: 'fleet', password: 'orchard' };
  server = await serveRegistry(store, {
    auth: { users: new Map([[login.username, login.password]]), secret: new Uint8Array(32), clock },
    faults: { intercept, clock },
    meter,
  });
  const credentials = () => login;
  const registry = new HttpRegistry({ clock, credentials, stallMsMax: 200 * SPEED });
  return { host: server.host, registry, clock, settled: (promise) => promise };
};

/** Two tags under a fault, and a fetch of the first: what came of it then, and once it had healed. */
async function fetchUnder(
  open: OpenDoor,
  fault: FaultName,
  parameters: Readonly<Record<string, number>> = {},
) {
  const store = new RegistryStore();
  const weather = new RegistryWeather(store, SeededRandom.ofSeed(1));
  const meter = new TrafficMeter(store, 'edge-1');
  const { host, registry, clock, settled } = await open(store, weather, meter);
  const made = ['thermo:1.0.0', 'thermo:2.0.0'].map((key) => ({
    ...firmware(key),
    references: [`${host}/${key}`],
  }));
  await new FirmwareFactory(made).push(registry, () => expect.fail('nothing is signed'));
  const cast = {
    killOperator: () => {},
    startOperator: () => {},
    dropWatches: () => {},
    killAgents: () => {},
    loseNode: () => false,
    recoverNode: () => {},
  };
  const fetch = async (): Promise<string> => {
    try {
      const resolved = await resolveFirmware({ registry }, `${host}/thermo:1.0.0`);
      return (await fetchForChip({ registry }, resolved, 'esp32')).meta?.version ?? 'none';
    } catch (error) {
      const { code, hop } = error as { readonly code: string; readonly hop: string };
      return `${code} at ${hop}`;
    }
  };
  const stage = { boards: new Map(), links: undefined, api: undefined, registry: weather, cast };
  const heal = await injectFault(stage, { fault, boards: [], parameters }, () => {});
  meter.reset();
  const fromMs = clock.nowMs;
  const during = await settled(fetch());
  const [tookMs, { traffic }] = [clock.nowMs - fromMs, meter];
  await heal();
  return { during, tookMs, traffic, after: await settled(fetch()) };
}

describe.each([
  ['in process', openInProcess],
  ['over HTTP', openOverHttp],
])('%s', (_, open) => {
  const ENDINGS: readonly (readonly [FaultName, string])[] = [
    ['registry-unavailable', 'unavailable at resolve'],
    ['registry-errors', 'unavailable at resolve'],
    ['registry-throttled', 'too-many-requests at resolve'],
    ['registry-slow', '1.0.0'],
    ['registry-stalled', 'timeout at index'],
    ['registry-short-read', 'unavailable at index'],
    ['registry-flipped-bytes', 'digest-mismatch at index'],
    ['registry-wrong-digest', 'not-found at index'],
    ['registry-swapped-manifest', 'digest-mismatch at manifest'],
    ['registry-blob-deleted', 'not-found at layer'],
    ['registry-token-expired', '1.0.0'],
    ['registry-token-refused', 'unauthorized at resolve'],
    ['tag-moved', '2.0.0'],
  ];

  test.each(ENDINGS)('%s ends a fetch with %s, and healed it is as before', async (fault, ending) => {
    expect(await fetchUnder(open, fault)).toMatchObject({ during: ending, after: '1.0.0' });
  });

  test('these are all the faults of registries that the catalogue has', () => {
    const catalogue = FAULT_NAMES.filter((name) => FAULTS[name].on === 'registry');
    expect(ENDINGS.map(([name]) => name).sort()).toEqual([...catalogue].sort());
    expect(catalogue.every((name) => FAULTS[name].built)).toBe(true);
  });

  test('a slow registry takes the time that its rate says', async () => {
    const { during, tookMs } = await fetchUnder(open, 'registry-slow', { rate: 4_000 });
    expect(during).toBe('1.0.0');
    // 40,000 bytes of image at least, and two manifests.
    expect(tookMs).toBeGreaterThan(10_000);
  });

  test('who is throttled waits as long as he is told, each time', async () => {
    const { tookMs } = await fetchUnder(open, 'registry-throttled', { 'retry-after': 20_000 });
    expect(tookMs).toBeGreaterThanOrEqual((RETRY_POLICY.attemptsMax - 1) * 20_000);
  });

  test('a download whose token runs out half-way is sent once, in two parts', async () => {
    const { during, traffic } = await fetchUnder(open, 'registry-token-expired');
    expect(during).toBe('1.0.0');
    expect(traffic.find(({ content }) => content === 'image')).toEqual({
      node: 'edge-1',
      content: 'image',
      answers: 2,
      bytes: 40_000,
    });
  });
});
