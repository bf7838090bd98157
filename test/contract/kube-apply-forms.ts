import { describe, expect, test } from 'vitest';
import type { WriteOptions } from '../../src/kube/api.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, WIDGET, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

/** What an apply may look like, and what a server says of one that it cannot read. */
export function applyFormContract(bench: Bench): void {
  const apply = (namespace: string, body: object, options: WriteOptions = {}): Promise<Widget> =>
    bench.api.patch(
      WIDGET,
      { namespace, name: 'w' },
      { type: 'apply', body },
      { fieldManager: 'one', ...options },
    );
  const config = (spec: object, metadata: object = {}): object => ({
    apiVersion: WIDGET.apiVersion,
    kind: 'Widget',
    metadata: { name: 'w', ...metadata },
    spec,
  });

  describe('apply, what it cannot read', () => {
    test.each([
      ['another kind', { ...config({ size: 1 }), kind: 'Gadget' }, 'contract.brickproof.dev/v1, Kind=Gadget'],
      ['no kind', { ...config({ size: 1 }), kind: undefined }, 'contract.brickproof.dev/v1, Kind='],
      [
        'another version',
        { ...config({ size: 1 }), apiVersion: 'contract.brickproof.dev/v9' },
        'contract.brickproof.dev/v9, Kind=Widget',
      ],
    ])('%s is an invalid object type', async (_title, body, type) => {
      expect(await refusalOf(apply(await bench.namespace(), body))).toEqual({
        reason: 'BadRequest',
        code: 400,
        message: `invalid object type: ${type}`,
        causes: [],
      });
    });

    test('a field that the schema does not have', async () => {
      const refusal = await refusalOf(apply(await bench.namespace(), config({ size: 1, nope: 1 })));
      expect(refusal).toMatchObject({ reason: 'InternalError', code: 500 });
      expect(refusal.message).toBe(
        'failed to create typed patch object (/w; contract.brickproof.dev/v1, Kind=Widget): .spec.nope: field not declared in schema',
      );
    });

    test('a field that a built-in kind does not have', async () => {
      const namespace = await bench.namespace();
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, dat: 1 };
      const refused = bench.api.patch(
        CONFIG_MAP,
        { namespace, name: 'm' },
        { type: 'apply', body },
        { fieldManager: 'one' },
      );
      expect((await refusalOf(refused)).message).toBe(
        'failed to create typed patch object (/m; /v1, Kind=ConfigMap): .dat: field not declared in schema',
      );
    });

    test.each([
      ['no metadata', { apiVersion: WIDGET.apiVersion, kind: 'Widget', spec: { size: 1 } }],
      ['another name', config({ size: 1 }, { name: 'other' })],
      [
        'managed fields of its own',
        config(
          { size: 1 },
          {
            managedFields: [
              { manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} },
            ],
          },
        ),
      ],
    ])('%s is a bad request', async (_title, body) => {
      expect(await refusalOf(apply(await bench.namespace(), body))).toMatchObject({
        reason: 'BadRequest',
        code: 400,
      });
    });

    test('a uid means an object that is there', async () => {
      const namespace = await bench.namespace();
      const body = config({ size: 1 }, { uid: '00000000-0000-4000-8000-000000000000' });
      const refusal = await refusalOf(apply(namespace, body));
      expect(refusal).toMatchObject({ reason: 'Conflict', code: 409 });
      expect(refusal.message).toMatch(/uid mismatch: the provided object specified uid .*, and no existing/);
      await apply(namespace, config({ size: 1 }));
      expect(await refusalOf(apply(namespace, body))).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueInvalid metadata.uid'],
      });
    });

    test('an old version is a conflict', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, config({ size: 1 }));
      expect(await refusalOf(apply(namespace, config({ size: 2 }, { resourceVersion: '1' })))).toMatchObject({
        reason: 'Conflict',
        message: expect.stringMatching(/the object has been modified/),
      });
    });
  });

  describe('apply, who owns what', () => {
    test('of several conflicts each is named, under its owner', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, config({ size: 1, limits: { hot: 1 } }));
      const refusal = await refusalOf(
        apply(namespace, config({ size: 5, limits: { hot: 2 } }), { fieldManager: 'two' }),
      );
      expect(refusal).toEqual({
        reason: 'Conflict',
        code: 409,
        message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.size\n- .spec.limits.hot',
        causes: ['FieldManagerConflict .spec.limits.hot', 'FieldManagerConflict .spec.size'],
      });
    });

    test('an owner who updated is named with the version that was written', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, config({ size: 1 }));
      const key = { namespace, name: 'w' };
      const edit = { type: 'merge', body: { spec: { size: 7 } } } as const;
      await bench.api.patch(WIDGET, key, edit, { fieldManager: 'upd' });
      expect((await refusalOf(apply(namespace, config({ size: 1 })))).message).toBe(
        'Apply failed with 1 conflict: conflict with "upd" using contract.brickproof.dev/v1: .spec.size',
      );
    });

    test('status has owners of its own', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, config({ size: 1 }));
      const status = (phase: string): object => ({ ...config({ size: 9 }), status: { phase } });
      const options = { subresource: 'status', fieldManager: 'reporter' } as const;
      expect((await apply(namespace, status('a'), options)).status).toEqual({ phase: 'a' });
      const refusal = await refusalOf(apply(namespace, status('b'), { ...options, fieldManager: 'other' }));
      expect(refusal).toMatchObject({
        reason: 'Conflict',
        message:
          'Apply failed with 1 conflict: conflict with "reporter" with subresource "status": .status.phase',
        causes: ['FieldManagerConflict .status.phase'],
      });
    });

    test('a status cannot be applied to what is not there', async () => {
      const body = { ...config({ size: 1 }), status: { phase: 'a' } };
      const refused = apply(await bench.namespace(), body, { subresource: 'status' });
      expect((await refusalOf(refused)).reason).toBe('NotFound');
    });
  });
}
