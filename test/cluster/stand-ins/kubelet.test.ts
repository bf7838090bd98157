import { describe, expect, test } from 'vitest';
import { Kubelet } from '../../../sim/cluster/stand-ins/kubelet.ts';
import type { PodProgram } from '../../../sim/cluster/stand-ins/pod-program.ts';
import { POD, type Pod } from '../../../src/kube/core.ts';
import { isKubeError, KubeError } from '../../../src/kube/error.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

const succeed: PodProgram = async () => ({ exitCode: 0, message: 'flashed' });

async function kubeletWith(programs: Readonly<Record<string, PodProgram>>, options = {}) {
  const world = new ClusterInTest(options);
  const stop = new AbortController();
  const { clock } = world;
  const start = (): Kubelet => {
    const kubelet = new Kubelet({
      api: world.cluster.api('kubelet'),
      clock,
      nodeName: 'edge-1',
      programs: (image) => programs[image],
    });
    void kubelet.run(stop.signal);
    return kubelet;
  };
  const kubelet = start();
  const runPod = async (
    name: string,
    image: string,
    restartPolicy: 'Never' | 'Always' = 'Never',
  ): Promise<Pod> => {
    const metadata = { namespace: 'default', name };
    await world.api.create(POD, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { restartPolicy, containers: [{ name: 'main', image, env: [{ name: 'UUID', value: name }] }] },
    });
    await world.pass();
    return world.api.get(POD, metadata);
  };
  const pod = (name: string): Promise<Pod> => world.api.get(POD, { namespace: 'default', name });
  return { ...world, world, kubelet, runPod, pod, stop };
}

const stateOf = (pod: Pod): unknown =>
  (pod.status?.containerStatuses?.[0] as { state: unknown } | undefined)?.state;

describe('kubelet stand-in', () => {
  test('a program that ends well makes its Pod succeed, with the message it left', async () => {
    const { runPod } = await kubeletWith({ 'agent:1': succeed });
    const pod = await runPod('good', 'agent:1');
    expect(pod.spec.nodeName).toBe('edge-1');
    expect(pod.status?.phase).toBe('Succeeded');
    expect(stateOf(pod)).toMatchObject({
      terminated: { exitCode: 0, reason: 'Completed', message: 'flashed' },
    });
  });

  test('a program sees its Pod', async () => {
    let uuid: string | undefined;
    const look: PodProgram = async (pod) => {
      uuid = pod.spec.containers[0]?.env?.find(({ name }) => name === 'UUID')?.value;
      return { exitCode: 0 };
    };
    const { runPod } = await kubeletWith({ 'agent:1': look });
    await runPod('seen', 'agent:1');
    expect(uuid).toBe('seen');
  });

  test('a Pod is running while its program is', async () => {
    const { runPod, world, pod, kubelet } = await kubeletWith({
      'agent:1': async () => {
        await world.clock.sleep(5000);
        return { exitCode: 3 };
      },
    });
    expect((await runPod('slow', 'agent:1')).status?.phase).toBe('Running');
    expect(kubelet.runningCount).toBe(1);
    await world.pass(5000);
    expect((await pod('slow')).status?.phase).toBe('Failed');
    expect(stateOf(await pod('slow'))).toMatchObject({ terminated: { exitCode: 3, reason: 'Error' } });
    expect(kubelet.runningCount).toBe(0);
  });

  test('a program that throws fails its Pod with the reason', async () => {
    const { runPod } = await kubeletWith({
      'agent:1': async () => {
        throw new Error('no such device');
      },
    });
    expect(stateOf(await runPod('thrown', 'agent:1'))).toMatchObject({
      terminated: { exitCode: 1, message: 'no such device' },
    });
  });

  test('an unknown image leaves its Pod pending and says so', async () => {
    const { runPod } = await kubeletWith({});
    const pod = await runPod('unknown', 'mystery:9');
    expect(pod.status?.phase).toBe('Pending');
    expect(stateOf(pod)).toEqual({
      waiting: { reason: 'ErrImagePull', message: 'no program is registered for image mystery:9' },
    });
  });

  test('a Pod that asks for restarts is left pending and says so', async () => {
    const { runPod } = await kubeletWith({ 'agent:1': succeed });
    const pod = await runPod('again', 'agent:1', 'Always');
    expect(pod.status?.phase).toBe('Pending');
    expect(stateOf(pod)).toMatchObject({ waiting: { reason: 'CreateContainerConfigError' } });
  });

  test('deleting a Pod stops its program, and then the Pod is gone', async () => {
    let stopped = false;
    const { runPod, world, pod } = await kubeletWith({
      'agent:1': (_pod, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            stopped = true;
            resolve({ exitCode: 143 });
          });
        }),
    });
    await runPod('doomed', 'agent:1');
    await world.api.delete(POD, { namespace: 'default', name: 'doomed' });
    expect((await pod('doomed')).metadata.deletionGracePeriodSeconds).toBe(30);
    await world.pass();
    expect(stopped).toBe(true);
    await expect(pod('doomed')).rejects.toSatisfy((error) => isKubeError(error, 'NotFound'));
  });

  test('a Pod that has ended is deleted at once', async () => {
    const { runPod, world, pod } = await kubeletWith({ 'agent:1': succeed });
    await runPod('done', 'agent:1');
    await world.api.delete(POD, { namespace: 'default', name: 'done' });
    await expect(pod('done')).rejects.toSatisfy((error) => isKubeError(error, 'NotFound'));
  });

  test('a new kubelet declares Pods failed whose programs it does not know', async () => {
    const { runPod, world, pod, stop } = await kubeletWith({ 'agent:1': () => new Promise(() => {}) });
    await runPod('orphaned', 'agent:1');
    stop.abort();
    await world.pass();
    const next = new Kubelet({
      api: world.api,
      clock: world.clock,
      nodeName: 'edge-1',
      programs: () => succeed,
    });
    void next.run(new AbortController().signal);
    await world.pass();
    expect((await pod('orphaned')).status?.phase).toBe('Failed');
    expect(stateOf(await pod('orphaned'))).toMatchObject({
      terminated: { reason: 'ContainerStatusUnknown' },
    });
  });

  test('a server that refuses for a while delays a Pod, and loses none', async () => {
    let refusals = 20;
    const intercept = (_verb: string, _kind: object, _key: object, user: string) =>
      user === 'kubelet' && refusals-- > 0
        ? { error: new KubeError('ServiceUnavailable', 'later') }
        : undefined;
    const { runPod, world, pod } = await kubeletWith({ 'agent:1': succeed }, { intercept });
    await runPod('patient', 'agent:1');
    await world.pass(60_000);
    expect((await pod('patient')).status?.phase).toBe('Succeeded');
  });
});
