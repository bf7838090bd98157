import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { installDefinitions } from '../../sim/install.ts';
import { DEVICE } from '../../src/kube/device.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { bytesInUse } from './machine.ts';

/** The embedded API in process: writes and what an object weighs. */
export async function benchCluster(devices: number, print: (line: string) => void): Promise<void> {
  const cluster = new EmbeddedCluster({ clock: new VirtualClock(), random: SeededRandom.ofSeed(1) });
  const kube = cluster.api();
  await installDefinitions(kube);
  const before = bytesInUse();
  const name = (index: number): string => `device-${index}`;
  const perSecond = async (work: (index: number) => Promise<unknown>): Promise<string> => {
    const startedMs = performance.now();
    for (let index = 0; index < devices; index++) await work(index);
    return Math.round((devices * 1000) / (performance.now() - startedMs)).toLocaleString('en');
  };
  const ueid = (index: number): string => `01${index.toString(16).padStart(32, '0')}`;
  const creates = await perSecond((index) =>
    kube.create(DEVICE, {
      apiVersion: DEVICE.apiVersion,
      kind: DEVICE.kind,
      metadata: { namespace: 'default', name: name(index) },
      spec: { ueid: ueid(index) },
    }),
  );
  const patches = await perSecond((index) =>
    kube.patch(
      DEVICE,
      { namespace: 'default', name: name(index) },
      { type: 'merge', body: { status: { online: true, chip: 'esp32c3' } } },
      { subresource: 'status' },
    ),
  );
  const weight = Math.round((bytesInUse() - before) / devices);
  print(
    `${'embedded API, in process'.padEnd(38)} ${creates} creates and ${patches} status patches per second, ${weight} B an object`,
  );
}
