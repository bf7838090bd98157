import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { INSTANCE, type Instance } from '../../src/kube/akri.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { installSearch, instances, NAMESPACE, taken } from './instances.ts';

const WATCHERS = [1, 10, 100];
/** Deliveries in one measurement of a watch, whatever the number of watchers. */
const DELIVERIES = 100_000;
const LISTS = 100;

/** The embedded API in process: what it does in a second, and what an object weighs. */
export async function benchCluster(count: number, print: (line: string) => void): Promise<void> {
  const many = (figure: number): string => Math.round(figure).toLocaleString('en');
  const line = (about: string, text: string): void => print(`${about.padEnd(38)} ${text}`);
  const cluster = new EmbeddedCluster({ clock: new VirtualClock(), random: SeededRandom.ofSeed(1) });
  const kube = cluster.api();
  const fresh = [...instances(await installSearch(kube), count)];
  const stored: Instance[] = [];
  const creates = await perSecond(count, async (index) => {
    stored[index] = await kube.create(INSTANCE, fresh[index] as (typeof fresh)[number]);
  });
  const updates = await perSecond(count, async (index) => {
    const { spec, ...rest } = stored[index] as Instance;
    stored[index] = await kube.replace(INSTANCE, { ...rest, spec: taken(spec, 'edge-1') });
  });
  const lists = await perSecond(LISTS, () => kube.list(INSTANCE, { namespace: NAMESPACE }));
  line(
    `embedded API, in process, ${many(count)}`,
    `${many(creates)} creates, ${many(updates)} updates and ${many(lists)} lists of all per second`,
  );
  for (const watchers of WATCHERS)
    line(
      `  watched by ${watchers}`,
      `${many(await deliveriesPerSecond(kube, watchers))} events per second, written and heard`,
    );
  // From its first apply on, an object's owners are kept with every write.
  const applies = await perSecond(count, (index) => {
    const { apiVersion, kind, metadata } = stored[index] as Instance;
    const { namespace, name } = metadata;
    const spec = { brokerProperties: { VERSION: '2.0.0' } };
    const body = { apiVersion, kind, metadata: { namespace, name }, spec };
    const options = { fieldManager: 'bench', force: true };
    return kube.patch(INSTANCE, { namespace: NAMESPACE, name }, { type: 'apply', body }, options);
  });
  line('', `${many(applies)} server-side applies per second`);
}

async function perSecond(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) await work(index);
  return (count * 1000) / (performance.now() - startedMs);
}

/** Updates, and everybody who watches hears of them; the writing is in the figure. */
async function deliveriesPerSecond(kube: KubeApi, watchers: number): Promise<number> {
  const { items, resourceVersion } = await kube.list(INSTANCE, { namespace: NAMESPACE });
  const updates = DELIVERIES / watchers;
  const stop = new AbortController();
  const options = { namespace: NAMESPACE, resourceVersion, signal: stop.signal };
  const heard = Array.from({ length: watchers }, async () => {
    let left = updates;
    for await (const _ of kube.watch(INSTANCE, options)) if (--left === 0) return;
  });
  const startedMs = performance.now();
  for (let index = 0; index < updates; index++) {
    const instance = items[index % items.length] as Instance;
    const { name } = instance.metadata;
    const body = { spec: taken(instance.spec, `node-${watchers}-${index}`) };
    await kube.patch(INSTANCE, { namespace: NAMESPACE, name }, { type: 'merge', body });
  }
  await Promise.all(heard);
  const tookMs = performance.now() - startedMs;
  stop.abort();
  return (watchers * updates * 1000) / tookMs;
}

if (import.meta.main) await benchCluster(10_000, (line) => void process.stdout.write(`${line}\n`));
