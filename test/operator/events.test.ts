import { expect, test } from 'vitest';
import { EventRecorder } from '../../operator/runtime/events.ts';
import { Metrics } from '../../operator/runtime/metrics.ts';
import { EVENT, NODE } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import { ClusterInTest } from '../cluster/cluster-in-test.ts';

test('a happening is one event, and its repeats are counted', async () => {
  const world = new ClusterInTest();
  const node = await world.api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
  const recorder = new EventRecorder(
    { kube: world.api, clock: world.clock, metrics: new Metrics() },
    'tester',
  );
  for (let second = 0; second < 60; second++) {
    recorder.record(node, 'Warning', 'PodFailed', 'out of memory');
    if (second % 30 === 0) recorder.record(node, 'Normal', 'Started', `attempt ${second}`);
    await world.pass(1_000);
  }
  await world.pass(20_000);
  const { items } = await world.api.list(EVENT);
  expect(items.map(({ type, reason, count }) => [type, reason, count]).sort()).toEqual([
    ['Normal', 'Started', 1],
    ['Normal', 'Started', 1],
    ['Warning', 'PodFailed', 60],
  ]);
  expect(items[0]).toMatchObject({
    source: { component: 'tester' },
    involvedObject: { name: 'n', kind: 'Node' },
  });
});

test('nobody waits for events, and a failed one hurts nobody', async () => {
  const metrics = new Metrics();
  const world = new ClusterInTest({
    intercept: (verb, kind) =>
      verb === 'create' && kind.kind === 'Event'
        ? { error: new KubeError('ServiceUnavailable', 'no') }
        : undefined,
  });
  const node = await world.api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } });
  const recorder = new EventRecorder({ kube: world.api, clock: world.clock, metrics }, 'tester');
  for (let index = 0; index < 3; index++) recorder.record(node, 'Normal', 'Started', 'again');
  await world.pass(30_000);
  expect((await world.api.list(EVENT)).items).toEqual([]);
  expect(metrics.read()).toEqual({ 'events:dropped': 1 });
});
