import { spawnSync } from 'node:child_process';
import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { INSTANCE } from '../../src/kube/akri.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { installSearch, instances } from './instances.ts';
import { bytesInUse } from './machine.ts';

interface Weight {
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** What a stored Instance weighs among so many, in a process that does nothing else. */
export function benchClusterMemory(count: number, print: (line: string) => void): void {
  const args = ['--expose-gc', import.meta.filename, String(count)];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`a cluster of ${count} Instances failed: ${child.stderr}`);
  const { heapBytes, residentBytes } = JSON.parse(child.stdout) as Weight;
  const each = (bytes: number): string => `${Math.round(bytes / count).toLocaleString('en')} B`;
  print(
    `${`embedded API, ${count.toLocaleString('en')} Instances`.padEnd(38)} ${each(heapBytes)} of heap an object, ${each(residentBytes)} resident`,
  );
}

/** Created one by one, each made from what is thrown away after it. */
async function weigh(count: number): Promise<Weight> {
  const cluster = new EmbeddedCluster({ clock: new VirtualClock(), random: SeededRandom.ofSeed(1) });
  const kube = cluster.api();
  const configuration = await installSearch(kube);
  const [heap, resident] = [bytesInUse(), process.memoryUsage.rss()];
  for (const instance of instances(configuration, count)) await kube.create(INSTANCE, instance);
  const weight = { heapBytes: bytesInUse() - heap, residentBytes: process.memoryUsage.rss() - resident };
  const { items } = await kube.list(INSTANCE);
  if (items.length !== count) throw new Error(`${items.length} of ${count} Instances are there`);
  return weight;
}

if (import.meta.main) process.stdout.write(JSON.stringify(await weigh(Number(process.argv[2]))));
