import { describe, expect, test } from 'vitest';
import type { Kind, KubeObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

interface Applied extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
}

const built = (apiVersion: string, kind: string, plural: string, namespaced = true): Kind<Applied> => ({
  apiVersion,
  kind,
  plural,
  namespaced,
});
const POD = built('v1', 'Pod', 'pods');
const SERVICE = built('v1', 'Service', 'services');

/** How an apply reads values by their schema: what is one field, what is many, and in which order. */
export function applyTypeContract(bench: Bench): void {
  const apply = (kind: Kind, namespace: string, rest: object, fieldManager = 'one'): Promise<Applied> => {
    const { apiVersion, kind: name } = kind;
    const body = { apiVersion, kind: name, metadata: { name: 'x' }, ...rest };
    const key = { name: 'x', ...(kind.namespaced && { namespace }) };
    return bench.api.patch(kind as Kind<Applied>, key, { type: 'apply', body }, { fieldManager });
  };
  const widget = (namespace: string, spec: object, fieldManager?: string): Promise<Applied> =>
    apply(WIDGET, namespace, { spec }, fieldManager);
  const ownedBy = ({ metadata }: Applied, manager = 'one'): unknown =>
    (
      (metadata as { managedFields?: unknown }).managedFields as { manager: string; fieldsV1: unknown }[]
    ).find((one) => one.manager === manager)?.fieldsV1;

  describe('apply, by type', () => {
    test.each([
      [{ parts: [{ name: 'z' }, { name: 'z' }] }, '.spec.parts: duplicate entries for key [name="z"]'],
      [{ tags: ['z', 'z'] }, '.spec.tags: duplicate entries for key [="z"]'],
      [
        { parts: [{ count: 1 }] },
        '.spec.parts: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
      ],
      [{ parts: ['x'] }, '.spec.parts: element 0: associative list with keys may not have non-map elements'],
      [{ size: 'x' }, '.spec.size: expected numeric (int or float), got string'],
      [{ size: true }, '.spec.size: expected numeric (int or float), got bool'],
      [{ colour: 5 }, '.spec.colour: expected string, got &value.valueUnstructured{Value:5}'],
      [{ parts: {} }, '.spec.parts: expected list, got &{map[]}'],
      [{ tags: 'x' }, '.spec.tags: expected list, got &{x}'],
      [{ limits: [] }, '.spec.limits: expected map, got &{[]}'],
      [{ limits: { a: 'x' } }, '.spec.limits.a: expected numeric (int or float), got string'],
      [{ parts: [{ name: 'a', q: 1 }] }, '.spec.parts[name="a"].q: field not declared in schema'],
    ])('a spec with %j cannot be read', async (odd, why) => {
      const refusal = await refusalOf(widget(await bench.namespace(), { size: 1, ...odd }));
      expect(refusal).toMatchObject({ reason: 'InternalError', code: 500 });
      expect(refusal.message).toBe(
        `failed to create typed patch object (/x; ${WIDGET.apiVersion}, Kind=Widget): ${why}`,
      );
    });

    test.each([
      [{ metadata: { name: 'x', labls: {} } }, '.metadata.labls: field not declared in schema'],
      [
        { metadata: { name: 'x', labels: { a: 1 } } },
        '.metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}',
      ],
      [
        {
          spec: {
            ports: [
              { port: 80, name: 'a' },
              { port: 80, name: 'b' },
            ],
          },
        },
        '.spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
      ],
    ])('a Service of %j cannot be read', async (odd, why) => {
      const refusal = await refusalOf(apply(SERVICE, await bench.namespace(), odd));
      expect(refusal.message).toBe(`failed to create typed patch object (/x; /v1, Kind=Service): ${why}`);
    });

    test('a null is a value, where there can be one', async () => {
      const namespace = await bench.namespace();
      const first = await widget(namespace, { size: 1, notes: null, colour: null });
      expect(first.spec).toEqual({ size: 1, notes: null, colour: 'red' });
      expect(ownedBy(first)).toEqual({ 'f:spec': { 'f:colour': {}, 'f:notes': {}, 'f:size': {} } });
      const second = await widget(namespace, { size: 1 });
      expect(second.spec).toEqual({ size: 1, colour: 'red' });
    });

    test('an empty list of items owned one by one is of nobody, an empty map is of somebody', async () => {
      const namespace = await bench.namespace();
      const empty = await widget(namespace, { size: 1, parts: [], limits: {} });
      expect(empty.spec).toEqual({ size: 1, colour: 'red', parts: [], limits: {} });
      expect(ownedBy(empty)).toEqual({ 'f:spec': { 'f:limits': {}, 'f:size': {} } });
      const gone = await widget(namespace, { size: 1 });
      expect(gone.spec).toEqual({ size: 1, colour: 'red', parts: [] });
    });

    test('emptying a list takes its items away, and then the list', async () => {
      const namespace = await bench.namespace();
      await widget(namespace, { size: 1, parts: [{ name: 'p' }] });
      expect((await widget(namespace, { size: 1, parts: [] })).spec).toEqual({
        size: 1,
        colour: 'red',
      });
    });

    test('items come in the order of who applied last, those of others keep their place among them', async () => {
      const namespace = await bench.namespace();
      const orderAfter = async (manager: string, parts: string, tags: string): Promise<string[]> => {
        const named = [...parts].map((name) => ({ name }));
        const { spec = {} } = await widget(namespace, { size: 1, parts: named, tags: [...tags] }, manager);
        const { parts: left, tags: right } = spec as { parts: { name: string }[]; tags: string[] };
        return [left.map(({ name }) => name).join(''), right.join('')];
      };
      expect(await orderAfter('one', 'ba', 'yx')).toEqual(['ba', 'yx']);
      expect(await orderAfter('two', 'ca', 'zx')).toEqual(['bca', 'yzx']);
      expect(await orderAfter('one', 'ab', 'xy')).toEqual(['cab', 'zxy']);
      expect(await orderAfter('one', 'b', 'y')).toEqual(['cab', 'zxy']);
      expect(await orderAfter('three', 'bac', 'yxz')).toEqual(['bac', 'yxz']);
    });

    test('what the schema leaves open is owned place by place, containers included', async () => {
      const namespace = await bench.namespace();
      const first = await widget(namespace, { size: 1, extra: { a: { b: { c: 1 } }, l: [1], e: {} } });
      expect(ownedBy(first)).toEqual({
        'f:spec': {
          'f:extra': {
            'f:a': { '.': {}, 'f:b': { '.': {}, 'f:c': {} } },
            'f:e': {},
            'f:l': {},
          },
          'f:size': {},
        },
      });
      const second = await widget(namespace, { size: 1, extra: { a: { d: 1 } } });
      expect(second.spec?.extra).toEqual({ a: { d: 1 } });
    });

    test('a container that others fill stays', async () => {
      const namespace = await bench.namespace();
      await widget(namespace, { size: 1, extra: { a: { x: 1 } } });
      const both = await widget(namespace, { size: 1, extra: { a: { y: 1 } } }, 'two');
      expect(both.spec?.extra).toEqual({ a: { x: 1, y: 1 } });
      expect((await widget(namespace, { size: 1 })).spec?.extra).toEqual({ a: { y: 1 } });
      expect((await widget(namespace, { size: 1 }, 'two')).spec?.extra).toBeUndefined();
    });

    test('what is new takes no notice of a version', async () => {
      const namespace = await bench.namespace();
      const metadata = { name: 'x', resourceVersion: '1' };
      const made = await apply(WIDGET, namespace, { metadata, spec: { size: 1 } });
      expect(made.metadata.generation).toBe(1);
    });

    test('built-in kinds say which of their lists and maps are one field', async () => {
      const namespace = await bench.namespace();
      const pod = await apply(POD, namespace, {
        spec: {
          containers: [
            {
              name: 'c',
              image: 'i',
              command: ['a'],
              env: [
                { name: 'A', value: '1' },
                { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
              volumeMounts: [{ name: 'v', mountPath: '/x' }],
            },
          ],
          volumes: [{ name: 'v', emptyDir: {} }],
          tolerations: [{ key: 'a', operator: 'Exists' }],
          imagePullSecrets: [{ name: 'x' }],
          hostAliases: [{ ip: '1.1.1.1', hostnames: ['a'] }],
          nodeSelector: { a: 'b' },
        },
      });
      expect(ownedBy(pod)).toEqual({
        'f:spec': {
          'f:containers': {
            'k:{"name":"c"}': {
              '.': {},
              'f:command': {},
              'f:env': {
                'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                'k:{"name":"B"}': { '.': {}, 'f:name': {}, 'f:valueFrom': { 'f:fieldRef': {} } },
              },
              'f:image': {},
              'f:name': {},
              'f:ports': {
                'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                'k:{"containerPort":80,"protocol":"UDP"}': {
                  '.': {},
                  'f:containerPort': {},
                  'f:protocol': {},
                },
              },
              'f:volumeMounts': { 'k:{"mountPath":"/x"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} } },
            },
          },
          'f:hostAliases': { 'k:{"ip":"1.1.1.1"}': { '.': {}, 'f:hostnames': {}, 'f:ip': {} } },
          'f:imagePullSecrets': { 'k:{"name":"x"}': {} },
          'f:nodeSelector': {},
          'f:tolerations': {},
          'f:volumes': { 'k:{"name":"v"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
        },
      });
    });

    test.each([
      [
        SERVICE,
        { spec: { ports: [{ port: 81, name: 'b', protocol: 'UDP' }], selector: { a: 'b' } } },
        {
          'f:spec': {
            'f:ports': {
              'k:{"port":81,"protocol":"UDP"}': { '.': {}, 'f:name': {}, 'f:port': {}, 'f:protocol': {} },
            },
            'f:selector': {},
          },
        },
      ],
      [
        built('v1', 'ServiceAccount', 'serviceaccounts'),
        { secrets: [{ name: 'x' }], imagePullSecrets: [{ name: 'y' }] },
        { 'f:imagePullSecrets': {}, 'f:secrets': { 'k:{"name":"x"}': {} } },
      ],
      [
        built('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
        { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
        { 'f:rules': {} },
      ],
      [
        built('apps/v1', 'Deployment', 'deployments'),
        {
          spec: {
            selector: { matchLabels: { a: 'b' } },
            template: {
              metadata: { labels: { a: 'b' } },
              spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } } }] },
            },
          },
        },
        {
          'f:spec': {
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:a': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"c"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:resources': { 'f:limits': { 'f:cpu': {} } },
                  },
                },
              },
            },
          },
        },
      ],
    ])('of a $kind', async (kind, rest, fields) => {
      expect(ownedBy(await apply(kind, await bench.namespace(), rest))).toEqual(fields);
    });
  });
}
