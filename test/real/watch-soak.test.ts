import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { Informer } from '../../operator/runtime/informer.ts';
import { Metrics } from '../../operator/runtime/metrics.ts';
import { usersOf } from '../../sim/cast.ts';
import { ApiWeather } from '../../sim/faults/api-weather.ts';
import { injectFault } from '../../sim/faults/inject.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { LEASE } from '../../src/kube/core.ts';
import { type KubeObject, keyOf, keyText } from '../../src/kube/object.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { CountingClock } from '../operator/counting-clock.ts';
import { Churn } from '../operator/soak/churn.ts';
import { GAPS, TROUBLES } from '../operator/soak/embedded-soak.ts';
import { Ledger } from '../operator/soak/ledger.ts';
import { FaultProxy } from './fault-proxy.ts';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

/** A third of a minute shows that it still works; the nightly tier takes ten. */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 1 / 3);
/** Told faster when it is told short, so that pauses fit into it. */
const SPEED = MINUTES < 2 ? 10 : 1;
/** Heap that may be gained between the first third and the end. */
const HEAP_GAIN_BYTES_MAX = 8 * 1024 * 1024;

let server: KubeApiserver;
beforeAll(async () => {
  server = await startKubeApiserver();
});
afterAll(() => server?.stop());

test(`${MINUTES.toFixed(1)} minutes of every fault in front of a real server leave nothing untold`, {
  timeout: (MINUTES + 5) * 60_000,
}, async () => {
  const clock = new ScaledClock(SPEED);
  const readersClock = new CountingClock(clock);
  const random = SeededRandom.ofSeed(1);
  const weather = new ApiWeather(random.split('weather'));
  const user = usersOf('operator')[0] ?? '';
  const { url, caFile } = server;
  const ca = readFileSync(caFile, 'utf8');
  const proxy = new FaultProxy({ url, ca, weather, clock, user, kind: LEASE });
  const direct = ClientNodeKubeApi.connect({ kubeconfig: server.kubeconfig() });
  const kube = ClientNodeKubeApi.connect({ url: await proxy.listen(), token: server.token('admin') });

  const metrics = new Metrics();
  const ports = { kube, clock: readersClock, random: random.split('reader'), metrics };
  const informer = new Informer(ports, LEASE, {
    namespace: 'default',
    pageSize: 10,
    inactivityMs: 30_000,
    auditMs: 45_000,
  });
  const ledger = new Ledger(informer);
  const churn = new Churn(direct, clock, random.split('churn'));
  const [reading, writing] = [new AbortController(), new AbortController()];
  const writer = churn.run(200, writing.signal);
  const reader = informer.run(reading.signal);
  // One that nothing ever happens to lives long enough to get bookmarks, which the server sends once a minute.
  const quiet = new Informer({ ...ports, metrics: new Metrics() }, LEASE, { labelSelector: 'quiet=yes' });
  const quietReader = quiet.run(reading.signal);
  await Promise.all([informer.whenSynced(), quiet.whenSynced()]);

  const faults = [...TROUBLES, ...GAPS];
  const cluster = { dropWatches: () => 0, restart: () => {} };
  const nobody = () => {};
  const cast = {
    ...{ killOperator: nobody, startOperator: nobody, killAgents: nobody },
    ...{ loseNode: () => false, recoverNode: nobody },
  };
  const api = { weather, cluster, usersOf };
  const stage = { boards: new Map(), links: undefined, api, registry: undefined, cast };
  const heals: (() => Promise<void>)[] = [];
  for (const order of faults) heals.push(await injectFault(stage, { ...order, boards: [] }, () => {}));

  const third = (): Promise<void> => pause((MINUTES * 60_000) / 3);
  await third();
  const early = memory();
  await server.restart();
  await third();
  await third();
  const late = memory();
  const watches = proxy.watches;
  for (const heal of heals) await heal();
  writing.abort();
  await writer;
  const truth = (await direct.list(LEASE, { namespace: 'default' })).items;
  const versions = (objects: readonly KubeObject[]): string =>
    objects.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).join();
  await until(() => versions(ledger.objects) === versions(truth));
  reading.abort();
  await Promise.all([reader, quietReader]);
  await until(() => proxy.watches === 0);
  await proxy.close();

  const copy = [...informer.values()].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
  const counted = metrics.read();
  const strikes = Object.fromEntries(weather.strikes);
  process.stdout.write(
    `soak: ${JSON.stringify({ minutes: MINUTES, writes: churn.writes, told: ledger.told, early, late, strikes, counted })}\n`,
  );
  expect(copy).toEqual(truth);
  expect(ledger.objects).toEqual(truth);
  expect(ledger.contradictions).toEqual([]);
  expect(counted['informer:missed-event'] ?? 0).toBe(0);
  expect(ledger.told).toBeGreaterThan(churn.writes / 4);
  if (MINUTES >= 10)
    for (const { fault } of faults) expect([fault, (strikes[fault] ?? 0) > 0]).toEqual([fault, true]);
  expect(watches).toBeLessThan(3);
  expect([readersClock.pending, proxy.watches]).toEqual([0, 0]);
  expect(readersClock.mostPending).toBeLessThan(6);
  expect(late.heapBytes - early.heapBytes).toBeLessThan(HEAP_GAIN_BYTES_MAX);
  expect(late.sockets).toBeLessThan(32);
});

/** Looks for at most two minutes; what does not come is seen by what is expected afterwards. */
async function until(done: () => boolean): Promise<void> {
  for (let looks = 0; looks < 2400 && !done(); looks++) await pause(50);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use once everything that nobody needs is gone. */
function memory(): { heapBytes: number; rssBytes: number; sockets: number } {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name)).length;
  return { heapBytes: heapUsed, rssBytes: rss, sockets };
}
