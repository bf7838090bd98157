import { describe, expect, test } from 'vitest';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, WIDGET } from './kube-widget.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly apiVersion: string;
  readonly fieldsType: string;
  readonly fieldsV1: unknown;
  readonly time?: string;
}

/** Who wrote what, as `metadata.managedFields` keeps it through every kind of write. */
export function managedFieldsContract(bench: Bench): void {
  describe('managed fields', () => {
    const entriesOf = ({ metadata }: KubeObject): readonly Entry[] =>
      (metadata as { managedFields?: readonly Entry[] }).managedFields ?? [];
    /** `manager operation[/subresource]: fields`, in the server's order. */
    const ownersOf = (object: KubeObject): Readonly<Record<string, unknown>> =>
      Object.fromEntries(
        entriesOf(object).map(({ manager, operation, subresource, fieldsV1 }) => [
          `${manager} ${operation}${subresource === undefined ? '' : `/${subresource}`}`,
          fieldsV1,
        ]),
      );
    const by = (fieldManager: string) => ({ fieldManager });

    describe.each([
      [
        'Widget',
        WIDGET as Kind<KubeObject>,
        (size: number) => ({ spec: { size } }),
        'f:spec',
        ['f:colour', 'f:size'],
      ],
      [
        'ConfigMap',
        CONFIG_MAP as Kind<KubeObject>,
        (size: number) => ({ data: { size: String(size) } }),
        'f:data',
        ['f:size'],
      ],
    ] as const)('of a %s', (name, kind, content, root, made) => {
      const field = 'f:size';
      const custom = name === 'Widget';
      const created = async (metadata: object = {}) => {
        const namespace = await bench.namespace();
        const object = {
          ...{ apiVersion: kind.apiVersion, kind: name },
          metadata: { namespace, name: 'x', ...metadata },
          ...content(1),
        } as NewObject<KubeObject>;
        const first = await bench.api.create(kind, object, by('maker'));
        const key = { namespace, name: first.metadata.name };
        const merge = (body: object, manager: string, options: object = {}) =>
          bench.api.patch(kind, key, { type: 'merge', body }, { ...by(manager), ...options });
        return { first, key, merge };
      };
      const whole = { '.': {}, ...Object.fromEntries(made.map((one) => [one, {}])) };

      test('who creates owns everything, containers and defaults included', async () => {
        const { first } = await created({ labels: { l: '1' } });
        expect(ownersOf(first)).toEqual({
          'maker Update': { 'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } }, [root]: whole },
        });
        expect(entriesOf(first)[0]).toMatchObject({ apiVersion: kind.apiVersion, fieldsType: 'FieldsV1' });
        expect(entriesOf(first)[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      });

      test('a name that was generated is owned as that', async () => {
        const { first } = await created({ name: undefined, generateName: 'g-' });
        expect(ownersOf(first)).toEqual({
          'maker Update': { 'f:metadata': { 'f:generateName': {} }, [root]: whole },
        });
      });

      test('who replaces owns what changed, and nobody what is gone', async () => {
        const { first } = await created({ labels: { l: '1', m: '1' } });
        const { labels: _, ...metadata } = first.metadata;
        const next = { ...first, ...content(2), metadata: { ...metadata, labels: { l: '2' } } } as KubeObject;
        const { [field]: _size, ...rest } = whole as Record<string, unknown>;
        const replaced = await bench.api.replace(kind, next, by('putter'));
        expect(ownersOf(replaced)).toEqual({
          'maker Update': { 'f:metadata': { 'f:labels': {} }, [root]: custom ? rest : {} },
          'putter Update': { 'f:metadata': { 'f:labels': { 'f:l': {} } }, [root]: { [field]: {} } },
        });
      });

      test('a write that changes nothing changes no owner', async () => {
        const { first, merge } = await created();
        const same = await merge(content(1), 'other');
        expect(entriesOf(same)).toEqual(entriesOf(first));
        expect(same.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      });

      test('who patches owns what the patch brought', async () => {
        const { merge } = await created();
        const patched = await merge({ metadata: { annotations: { n: '1' } } }, 'patcher');
        expect(ownersOf(patched)).toEqual({
          'maker Update': { [root]: whole },
          'patcher Update': { 'f:metadata': { 'f:annotations': { '.': {}, 'f:n': {} } } },
        });
      });

      test('who takes a field over takes it from its owner', async () => {
        const { merge } = await created();
        const taken = ownersOf(await merge(content(2), 'taker'));
        expect(taken['taker Update']).toEqual({ [root]: { [field]: {} } });
        expect(taken['maker Update']).not.toHaveProperty([root, field]);
      });

      test('who applies what is there already shares it', async () => {
        const { key } = await created();
        const body = { apiVersion: kind.apiVersion, kind: name, metadata: { name: 'x' }, ...content(1) };
        const applied = await bench.api.patch(kind, key, { type: 'apply', body }, by('applier'));
        expect(ownersOf(applied)).toEqual({
          'applier Apply': { [root]: { [field]: {} } },
          'maker Update': { [root]: whole },
        });
      });

      test('owners can be forgotten; then the next writer begins anew', async () => {
        const { merge } = await created();
        expect(entriesOf(await merge({ metadata: { managedFields: [{}] } }, 'x'))).toEqual([]);
      });
    });

    test('the status has owners of its own', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'w');
      const key = { namespace, name: 'w' };
      const body = { status: { phase: 'x' } };
      const options = { ...by('keeper'), subresource: 'status' as const };
      const kept = await bench.api.patch(WIDGET, key, { type: 'merge', body }, options);
      expect(ownersOf(kept)['keeper Update/status']).toEqual({
        'f:status': { '.': {}, 'f:phase': {} },
      });
    });
  });
}
