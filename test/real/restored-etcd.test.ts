import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { Informer } from '../../operator/runtime/informer.ts';
import { Metrics } from '../../operator/runtime/metrics.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { LEASE } from '../../src/kube/core.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

const HOUR_MS = 3_600_000;

let server: KubeApiserver;
beforeAll(async () => {
  server = await startKubeApiserver();
});
afterAll(() => server?.stop());

test('a server that was restored from a backup is noticed when it is reached again, not when it has caught up', {
  timeout: 120_000,
}, async () => {
  const kube = ClientNodeKubeApi.connect({ kubeconfig: server.kubeconfig() });
  const add = (name: string) =>
    kube.create(LEASE, {
      apiVersion: LEASE.apiVersion,
      kind: LEASE.kind,
      metadata: { namespace: 'default', name },
      spec: {},
    });
  await add('before');
  await server.backUp();

  const metrics = new Metrics();
  const ports = { kube, clock: new ScaledClock(), random: SeededRandom.ofSeed(1), metrics };
  // Neither silence nor the comparison with a list comes to its help.
  const options = { namespace: 'default', inactivityMs: HOUR_MS, auditMs: HOUR_MS };
  const informer = new Informer(ports, LEASE, options);
  const ended = new AbortController();
  const running = informer.run(ended.signal);
  await informer.whenSynced();
  const untilKnown = async (...names: readonly string[]): Promise<void> => {
    const known = (): string => [...informer.values()].map(({ metadata }) => metadata.name).join();
    while (known() !== names.join()) await pause(50);
  };
  // A server writes a few things when it starts: these are more.
  for (let index = 0; index < 300; index++) await add(`lost-${String(index).padStart(3, '0')}`);
  await untilKnown(
    'before',
    ...Array.from({ length: 300 }, (_, index) => `lost-${String(index).padStart(3, '0')}`),
  );

  await server.restore();
  await untilKnown('before');
  expect(metrics.read()).toMatchObject({ 'informer:went-back': 1 });
  expect(metrics.read()['informer:missed-event'] ?? 0).toBe(0);

  await add('after');
  await untilKnown('before', 'after');
  ended.abort();
  await running;
});
