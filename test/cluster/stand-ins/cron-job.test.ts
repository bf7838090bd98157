import { describe, expect, test } from 'vitest';
import { EVENT } from '../../../src/kube/core.ts';
import { CRON_JOB, type CronJob, JOB, type Job } from '../../../src/kube/workloads.ts';
import { endingTemplate, WorkloadRig } from './workload-rig.ts';

const HOUR = 3_600_000;
const KEY = { namespace: 'default', name: 'nightly' };
/** When the rig's clock starts. */
const EPOCH = Date.parse('2026-01-01T00:00:00Z');

async function cronJobOf(
  spec: Partial<CronJob['spec']>,
  script = 'Running after 0s, Succeeded after 5m',
  at = '2026-01-01T00:00:00Z',
) {
  const rig = new WorkloadRig({ beats: false });
  await rig.pass(Date.parse(at) - EPOCH);
  await rig.node('n1');
  await rig.api.create(CRON_JOB, {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: KEY,
    spec: {
      schedule: '0 * * * *',
      successfulJobsHistoryLimit: 100,
      jobTemplate: { spec: { template: endingTemplate(script) } },
      ...spec,
    },
  });
  const jobs = async (): Promise<readonly Job[]> => (await rig.api.list(JOB, { namespace: 'default' })).items;
  /** When each Job was meant to run, as its zone writes it. */
  const scheduled = async (): Promise<readonly (string | undefined)[]> =>
    (await jobs()).map(
      ({ metadata }) => metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'],
    );
  const change = (body: unknown): Promise<CronJob> => rig.api.patch(CRON_JOB, KEY, { type: 'merge', body });
  return { rig, jobs, scheduled, change, cronJob: () => rig.api.get(CRON_JOB, KEY) };
}

describe('a CronJob', () => {
  test('fires by the clocks of its zone, through a week in which they change', async () => {
    const { rig, jobs, scheduled, cronJob } = await cronJobOf(
      { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' },
      undefined,
      '2026-03-26T00:00:00Z',
    );
    await rig.pass(7 * 24 * HOUR);
    expect(await scheduled()).toEqual([
      '2026-03-26T02:30:00+01:00',
      '2026-03-27T02:30:00+01:00',
      '2026-03-28T02:30:00+01:00',
      '2026-03-30T02:30:00+02:00',
      '2026-03-31T02:30:00+02:00',
      '2026-04-01T02:30:00+02:00',
    ]);
    const minutes = Date.parse('2026-03-26T01:30:00Z') / 60_000;
    expect((await jobs())[0]?.metadata.name).toBe(`nightly-${minutes}`);
    expect((await cronJob()).status).toEqual({
      lastScheduleTime: '2026-04-01T00:30:00Z',
      lastSuccessfulTime: '2026-04-01T00:35:00Z',
    });
  });

  test('runs beside itself when that is allowed', async () => {
    const { rig, cronJob } = await cronJobOf({}, 'Running after 0s, Succeeded after 90m');
    await rig.pass(2 * HOUR + 60_000);
    expect((await cronJob()).status?.active).toHaveLength(2);
  });

  test('waits for itself when that is forbidden, and says so', async () => {
    const { rig, scheduled, cronJob } = await cronJobOf(
      { concurrencyPolicy: 'Forbid' },
      'Running after 0s, Succeeded after 90m',
    );
    await rig.pass(2 * HOUR + 60_000);
    expect((await cronJob()).status?.active).toHaveLength(1);
    expect(await scheduled()).toEqual(['2026-01-01T01:00:00Z']);
    const { items } = await rig.api.list(EVENT, { namespace: 'default' });
    expect(items.map(({ reason }) => reason)).toContain('JobAlreadyActive');
    // The run that was put off starts when the one before it ends.
    await rig.pass(HOUR / 2);
    expect(await scheduled()).toEqual(['2026-01-01T01:00:00Z', '2026-01-01T02:00:00Z']);
  });

  test('replaces what still runs when told to', async () => {
    const { rig, scheduled, cronJob } = await cronJobOf(
      { concurrencyPolicy: 'Replace' },
      'Running after 0s, Succeeded after 90m',
    );
    await rig.pass(3 * HOUR + 60_000);
    expect(await scheduled()).toEqual(['2026-01-01T03:00:00Z']);
    expect((await cronJob()).status?.active).toHaveLength(1);
    expect(await rig.pods()).toHaveLength(1);
  });

  test('keeps no more of its past than it is asked to', async () => {
    const { rig, scheduled } = await cronJobOf({ successfulJobsHistoryLimit: 2 });
    await rig.pass(6 * HOUR - 60_000);
    expect(await scheduled()).toEqual(['2026-01-01T04:00:00Z', '2026-01-01T05:00:00Z']);
    const failing = await cronJobOf({
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        spec: { backoffLimit: 0, template: endingTemplate('Running after 0s, Failed after 1s') },
      },
    });
    await failing.rig.pass(4 * HOUR - 60_000);
    expect(await failing.scheduled()).toEqual(['2026-01-01T03:00:00Z']);
  });

  test('starts nothing while it is suspended, and then only the latest of what it missed', async () => {
    const { rig, scheduled, change } = await cronJobOf({ suspend: true });
    await rig.pass(5 * HOUR + 60_000);
    expect(await scheduled()).toEqual([]);
    await change({ spec: { suspend: false } });
    await rig.pass(60_000);
    expect(await scheduled()).toEqual(['2026-01-01T05:00:00Z']);
  });

  test('lets go what is too late', async () => {
    const { rig, scheduled, change } = await cronJobOf({ suspend: true, startingDeadlineSeconds: 60 });
    await rig.pass(5 * HOUR + 5 * 60_000);
    await change({ spec: { suspend: false } });
    await rig.pass(60_000);
    expect(await scheduled()).toEqual([]);
    await rig.pass(HOUR);
    expect(await scheduled()).toEqual(['2026-01-01T06:00:00Z']);
  });

  test('warns when it missed more than a hundred, and goes on', async () => {
    const { rig, scheduled, change } = await cronJobOf({ schedule: '* * * * *', suspend: true });
    await rig.pass(3 * HOUR + 30_000);
    await change({ spec: { suspend: false } });
    await rig.pass(1000);
    expect(await scheduled()).toEqual(['2026-01-01T03:00:00Z']);
    const { items } = await rig.api.list(EVENT, { namespace: 'default' });
    expect(items.map(({ involvedObject, reason }) => `${involvedObject.kind} ${reason}`).toSorted()).toEqual([
      'CronJob SuccessfulCreate',
      'CronJob TooManyMissedTimes',
      'Job SuccessfulCreate',
    ]);
  });
});
