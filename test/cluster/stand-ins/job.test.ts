import { describe, expect, test } from 'vitest';
import { POD } from '../../../src/kube/core.ts';
import { JOB, type Job, type JobSpec } from '../../../src/kube/workloads.ts';
import { endingTemplate, WorkloadRig } from './workload-rig.ts';

const KEY = { namespace: 'default', name: 'once' };

async function jobOf(script: string, spec: Partial<JobSpec> = {}) {
  const rig = new WorkloadRig({ beats: false });
  await rig.node('n1');
  await rig.api.create(JOB, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: KEY,
    spec: { template: endingTemplate(script), ...spec },
  });
  await rig.pass();
  const job = (): Promise<Job> => rig.api.get(JOB, KEY);
  const change = (body: unknown): Promise<Job> => rig.api.patch(JOB, KEY, { type: 'merge', body });
  return { rig, job, change };
}

const conditions = ({ status }: Job): readonly string[] =>
  (status?.conditions ?? [])
    .filter((one) => one.status === 'True')
    .map(({ type, reason }) => `${type} ${reason}`);
const atSecond = (text: string | undefined): number =>
  (Date.parse(text ?? '') - Date.parse('2026-01-01T00:00:00Z')) / 1000;

describe('a Job', () => {
  test('runs its Pod to its end, and is complete', async () => {
    const { rig, job } = await jobOf('Running after 1s, Succeeded after 10s');
    await rig.pass(5000);
    expect((await job()).status).toMatchObject({ active: 1, ready: 1 });
    await rig.pass(10_000);
    const { status } = await job();
    expect(status).toMatchObject({ succeeded: 1, ready: 0 });
    expect(status?.active).toBeUndefined();
    expect(atSecond(status?.completionTime)).toBe(11);
    expect(conditions(await job())).toEqual([
      'SuccessCriteriaMet CompletionsReached',
      'Complete CompletionsReached',
    ]);
    expect(await rig.pods()).toHaveLength(1);
  });

  test('has no more Pods at once than parallelism, and as many as completions in all', async () => {
    const { rig, job } = await jobOf('Running after 0s, Succeeded after 10s', {
      parallelism: 2,
      completions: 5,
    });
    const active: (number | undefined)[] = [];
    for (let second = 5; second < 40; second += 10) {
      await rig.pass(second === 5 ? 5000 : 10_000);
      active.push((await job()).status?.active);
    }
    expect(active).toEqual([2, 2, 1, undefined]);
    expect(await rig.pods()).toHaveLength(5);
  });

  test('numbers its Pods when it is Indexed', async () => {
    const spec = { completionMode: 'Indexed', parallelism: 2, completions: 3 } as const;
    const { rig, job } = await jobOf('Running after 0s, Succeeded after 10s', spec);
    await rig.pass(30_000);
    expect((await job()).status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
    const indexes = (await rig.pods()).map(({ metadata, spec: { containers } }) => [
      metadata.annotations?.['batch.kubernetes.io/job-completion-index'],
      containers[0]?.env?.find(({ name }) => name === 'JOB_COMPLETION_INDEX')?.value,
      /^once-\d-/.test(metadata.name),
    ]);
    expect(indexes).toEqual([
      ['0', '0', true],
      ['1', '1', true],
      ['2', '2', true],
    ]);
  });

  test('tries again after ten seconds, then twenty, and gives up at its limit', async () => {
    const { rig, job } = await jobOf('Running after 0s, Failed(3) after 1s', { backoffLimit: 2 });
    await rig.pass(120_000);
    const starts = (await rig.pods())
      .map(({ metadata }) => atSecond(metadata.creationTimestamp))
      .sort((a, b) => a - b);
    expect(starts).toEqual([0, 11, 32]);
    expect((await job()).status).toMatchObject({ failed: 3 });
    expect(conditions(await job())).toEqual([
      'FailureTarget BackoffLimitExceeded',
      'Failed BackoffLimitExceeded',
    ]);
  });

  test('is stopped at its deadline', async () => {
    const { rig, job } = await jobOf('Running after 0s', { activeDeadlineSeconds: 30 });
    await rig.pass(29_000);
    expect(conditions(await job())).toEqual([]);
    await rig.pass(2000);
    expect(conditions(await job())).toContain('Failed DeadlineExceeded');
    expect(await rig.pods()).toEqual([]);
  });

  test('goes when its time after the end is up, and its Pods with it', async () => {
    const { rig, job } = await jobOf('Running after 0s, Succeeded after 10s', {
      ttlSecondsAfterFinished: 60,
    });
    await rig.pass(69_000);
    expect(conditions(await job())).toContain('Complete CompletionsReached');
    await rig.pass(3000);
    await expect(job()).rejects.toThrow(/not found/);
    expect(await rig.pods()).toEqual([]);
  });

  test('waits while it is suspended, gives up its Pods when it becomes so, and starts again', async () => {
    const { rig, job, change } = await jobOf('Running after 0s, Succeeded after 10s', { suspend: true });
    await rig.pass(5000);
    expect(conditions(await job())).toEqual(['Suspended JobSuspended']);
    expect(await rig.pods()).toEqual([]);
    await change({ spec: { suspend: false } });
    await rig.pass(5000);
    expect(await rig.pods()).toHaveLength(1);
    await change({ spec: { suspend: true } });
    await rig.pass(5000);
    expect(await rig.pods()).toEqual([]);
    await change({ spec: { suspend: false } });
    await rig.pass(15_000);
    expect(conditions(await job())).toContain('Complete CompletionsReached');
  });

  test('with a policy that this stand-in does not know fails and says so', async () => {
    const podFailurePolicy = {
      rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }],
    };
    const { rig, job } = await jobOf('Running after 0s', { podFailurePolicy } as Partial<JobSpec>);
    await rig.pass(1000);
    const failed = (await job()).status?.conditions?.find(({ type }) => type === 'Failed');
    expect(failed).toMatchObject({
      reason: 'Unsupported',
      message: 'spec.podFailurePolicy is not supported by this Job stand-in',
    });
  });

  test('leaves its Pods behind when it is deleted without a word about them', async () => {
    const { rig } = await jobOf('Running after 0s, Succeeded after 1s');
    await rig.pass(5000);
    await rig.api.delete(JOB, KEY);
    await rig.pass(1000);
    const [left] = await rig.pods();
    expect(left?.metadata.ownerReferences).toBeUndefined();
    const { metadata } = await rig.api.get(POD, left?.metadata ?? { name: '' });
    expect(metadata.labels).toMatchObject({ 'job-name': 'once' });
  });
});
