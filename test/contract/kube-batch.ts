import { describe, expect, test } from 'vitest';
import type { NewObject } from '../../src/kube/object.ts';
import { CRON_JOB, type CronJob, JOB, type Job } from '../../src/kube/workloads.ts';
import type { Bench } from './kube.ts';
import { template } from './kube-workloads.ts';
import { refusalOf } from './refusal.ts';

function newJob(namespace: string, spec: object = {}): NewObject<Job> {
  const once = { spec: { restartPolicy: 'Never' as const, containers: template.spec.containers } };
  return {
    apiVersion: JOB.apiVersion,
    kind: JOB.kind,
    metadata: { namespace, name: 'once' },
    spec: { template: once, ...spec },
  };
}

function newCronJob(namespace: string, spec: object = {}, name = 'nightly'): NewObject<CronJob> {
  return {
    apiVersion: CRON_JOB.apiVersion,
    kind: CRON_JOB.kind,
    metadata: { namespace, name },
    spec: { schedule: '0 3 * * *', jobTemplate: { spec: newJob(namespace).spec }, ...spec },
  };
}

export function batchContract(bench: Bench): void {
  /** `reason field` of each complaint, sorted. */
  const complaints = async (refused: Promise<unknown>): Promise<readonly string[]> =>
    (await refusalOf(refused)).causes;

  describe('Jobs', () => {
    test('select their own Pods, by the uid that the server gave them', async () => {
      const { metadata, spec } = await bench.api.create(JOB, newJob(await bench.namespace()));
      expect(spec).toMatchObject({
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } },
      });
      expect(spec.template.metadata?.labels).toEqual({
        'batch.kubernetes.io/controller-uid': metadata.uid,
        'batch.kubernetes.io/job-name': 'once',
        'controller-uid': metadata.uid,
        'job-name': 'once',
      });
    });

    test('have a template that stays, and a parallelism that need not', async () => {
      const { metadata } = await bench.api.create(JOB, newJob(await bench.namespace()));
      const patch = (body: object): Promise<Job> => bench.api.patch(JOB, metadata, { type: 'merge', body });
      expect((await patch({ spec: { parallelism: 4 } })).spec.parallelism).toBe(4);
      expect(await complaints(patch({ spec: { completions: 4 } }))).toEqual([
        'FieldValueInvalid spec.completions',
      ]);
      const body = { spec: { template: { metadata: { labels: { extra: 'x' } } } } };
      expect(await complaints(patch(body))).toEqual(['FieldValueInvalid spec.template']);
    });

    test.each([
      [{ template }, ['FieldValueRequired spec.template.spec.restartPolicy']],
      [{ completionMode: 'Indexed', parallelism: 2 }, ['FieldValueRequired spec.completions']],
      [{ backoffLimitPerIndex: 1 }, ['FieldValueInvalid spec.backoffLimitPerIndex']],
      [
        { parallelism: -1, completions: -2 },
        ['FieldValueInvalid spec.completions', 'FieldValueInvalid spec.parallelism'],
      ],
    ])('with %j are refused by field', async (spec, wanted) => {
      const namespace = await bench.namespace();
      expect(await complaints(bench.api.create(JOB, newJob(namespace, spec)))).toEqual(wanted);
    });
  });

  describe('CronJobs', () => {
    const create = async (spec: object, name?: string): Promise<CronJob> =>
      bench.api.create(CRON_JOB, newCronJob(await bench.namespace(), spec, name));

    test('get the defaults that a user leaves out', async () => {
      expect((await create({})).spec).toMatchObject({
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      });
    });

    test.each([
      ['every day', 'expected exactly 5 fields, found 2: [every day]'],
      ['61 * * * *', 'end of range (61) above maximum (59): 61'],
      ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
      ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
      ['*/0 * * * *', 'step of range should be a positive number: */0'],
      ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
      ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
      ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
      ['@sometimes', 'unrecognized descriptor: @sometimes'],
      ['TZ=UTC 0 3 * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ])('with the schedule %j are refused in the words of the parser', async (schedule, why) => {
      expect((await refusalOf(create({ schedule }))).message).toBe(
        `CronJob.batch "nightly" is invalid: spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${why}`,
      );
    });

    test.each(['@hourly', '@every 1h30m', '*/15 8-18 * jan-mar mon-fri', '0 0 ? * 0', '59 23 31 12 6'])(
      'may have the schedule %j',
      async (schedule) => {
        expect((await create({ schedule })).spec.schedule).toBe(schedule);
      },
    );

    test('have a time zone of the database, or none', async () => {
      expect((await create({ timeZone: 'Europe/Berlin' })).spec.timeZone).toBe('Europe/Berlin');
      for (const timeZone of ['', 'local', 'Mars/Olympus', 'europe/berlin', '+01:00'])
        expect(await complaints(create({ timeZone }))).toContain('FieldValueInvalid spec.timeZone');
    });

    test('with an unknown policy, a negative deadline or a long name are refused by field', async () => {
      expect(await complaints(create({ concurrencyPolicy: 'Maybe' }))).toEqual([
        'FieldValueNotSupported spec.concurrencyPolicy',
      ]);
      expect(await complaints(create({ startingDeadlineSeconds: -1 }))).toEqual([
        'FieldValueInvalid spec.startingDeadlineSeconds',
      ]);
      expect(await complaints(create({}, 'n'.repeat(53)))).toEqual(['FieldValueInvalid metadata.name']);
    });
  });
}
