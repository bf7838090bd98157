import { beforeAll, describe, expect, test } from 'vitest';
import { DEVICE, DEVICE_CRD, type Device } from '../../src/kube/device.ts';
import {
  FIRMWARE_ROLLOUT,
  FIRMWARE_ROLLOUT_CRD,
  type FirmwareRollout,
} from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, FLASH_JOB_CRD } from '../../src/kube/flash-job.ts';
import type { NewObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { isServed, type NewCrd } from './kube-crd-draft.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

const DEFINITIONS = [DEVICE_CRD, FIRMWARE_ROLLOUT_CRD, FLASH_JOB_CRD];
const UEID = `01${'ab'.repeat(16)}`;
const percents = (...all: readonly number[]): object => ({ waves: all.map((percent) => ({ percent })) });

/** What a rollout of ours may not say, and what the server says to it. */
const REFUSED: readonly (readonly [title: string, spec: object, causes: readonly string[], words: string])[] =
  [
    [
      'whose last wave is not everybody',
      percents(10, 50),
      ['Invalid spec.waves'],
      'the last wave must reach 100 percent',
    ],
    ['whose waves fall', percents(50, 10, 100), ['Invalid spec.waves'], 'each wave must reach more percent'],
    [
      'whose waves do not rise',
      percents(50, 50, 100),
      ['Invalid spec.waves'],
      'each wave must reach more percent',
    ],
    ['without waves', percents(), ['Invalid spec.waves'], 'at least 1 items'],
    [
      'of more than everybody',
      percents(10, 101),
      ['Invalid spec.waves', 'Invalid spec.waves[1].percent'],
      'less than or equal to 100',
    ],
    [
      'that reverts to nothing',
      { failurePolicy: { action: 'revert' } },
      ['Invalid spec.failurePolicy.revertTo'],
      'name the firmware that revert puts back',
    ],
    [
      'that reverts to an empty name',
      { failurePolicy: { action: 'revert', revertTo: '' } },
      ['Invalid spec.failurePolicy.revertTo'],
      'name the firmware that revert puts back',
    ],
    [
      'that does what there is not',
      { failurePolicy: { action: 'panic' } },
      ['Invalid <nil>', 'NotSupported spec.failurePolicy.action'],
      'supported values',
    ],
    ['of no firmware', { firmware: '' }, ['Invalid spec.firmware'], 'at least 1 chars'],
    [
      'of more devices than there may be',
      { maxUnavailable: '1000%' },
      ['Invalid spec.maxUnavailable'],
      'should match',
    ],
    ['in batches of none', { batchSize: 0 }, ['Invalid spec.batchSize'], 'greater than or equal to 1'],
  ];

/** Our own definitions, on whatever server they are brought to. */
export function ownKindsContract(bench: Bench): void {
  describe('our own kinds', () => {
    let namespace: string;
    beforeAll(async () => {
      namespace = await bench.namespace();
      for (const definition of DEFINITIONS) await bench.api.create(CRD, definition as unknown as NewCrd);
      for (const kind of [DEVICE, FIRMWARE_ROLLOUT, FLASH_JOB])
        await bench.eventually(() => isServed(bench, kind));
    });
    const rollout = (spec: object): NewObject<FirmwareRollout> =>
      ({
        apiVersion: FIRMWARE_ROLLOUT.apiVersion,
        kind: FIRMWARE_ROLLOUT.kind,
        metadata: { namespace, name: bench.unique('r') },
        spec: { selector: {}, firmware: 'registry.local/app:1', ...percents(10, 50, 100), ...spec },
      }) as unknown as NewObject<FirmwareRollout>;

    test('a rollout whose waves rise to everybody gets its defaults', async () => {
      const created = await bench.api.create(FIRMWARE_ROLLOUT, rollout({ failurePolicy: {} }));
      expect(created.spec).toMatchObject({
        failurePolicy: { action: 'hold', maxFailures: '100%' },
        maxUnavailable: '100%',
        batchSize: 50,
        deviceDeadline: '30m',
      });
    });

    test.each(REFUSED)('a rollout %s is refused', async (_title, spec, causes, words) => {
      const refusal = await refusalOf(bench.api.create(FIRMWARE_ROLLOUT, rollout(spec)));
      const expected = causes.map((cause) => `FieldValue${cause}`).sort();
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: expected });
      expect(refusal.message).toContain(words);
    });

    test('a rollout that was right cannot become wrong', async () => {
      const created = await bench.api.create(FIRMWARE_ROLLOUT, rollout({}));
      const wrong = { ...created, spec: { ...created.spec, waves: [{ percent: 10 }] } };
      const refusal = await refusalOf(bench.api.replace(FIRMWARE_ROLLOUT, wrong));
      expect(refusal.causes).toEqual(['FieldValueInvalid spec.waves']);
    });

    test('a device keeps its identity for life, and may change all else', async () => {
      const { apiVersion, kind } = DEVICE;
      const draft = {
        apiVersion,
        kind,
        metadata: { namespace, name: bench.unique('d') },
        spec: { ueid: UEID },
      };
      const created = await bench.api.create(DEVICE, draft as unknown as NewObject<Device>);
      const quarantined = { ...created, spec: { ...created.spec, quarantined: true } };
      const kept = await bench.api.replace(DEVICE, quarantined);
      expect(kept.metadata.generation).toBe(2);
      const other = { ...kept, spec: { ...kept.spec, ueid: `01${'cd'.repeat(16)}` } };
      const refusal = await refusalOf(bench.api.replace(DEVICE, other as Device));
      expect(refusal).toMatchObject({ reason: 'Invalid', causes: ['FieldValueInvalid spec.ueid'] });
      expect(refusal.message).toContain('the identity of a device is for life');
    });

    bench.needing('HTTP', 'our own definitions on the wire', () => {
      test.each(DEFINITIONS.map((one) => [one.metadata.name, one] as const))(
        '%s is taken without a warning, however strict the server looks',
        async (name, definition) => {
          const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
          const query = { fieldManager: 'contract', force: true, fieldValidation: 'Strict' };
          const contentType = 'application/apply-patch+yaml';
          const { status, headers } = await bench.wire.send('PATCH', path, {
            body: definition,
            query,
            contentType,
          });
          expect(status).toBe(200);
          expect(headers.warning).toBeUndefined();
        },
      );
    });
  });
}
