import { describe, expect, test } from 'vitest';
import { jsonPatch } from '../../sim/cluster/json-patch.ts';
import { mergePatch } from '../../sim/cluster/merge-patch.ts';
import { strategicMergePatch } from '../../sim/cluster/strategic-merge-patch.ts';
import { isKubeError } from '../../src/kube/error.ts';

describe('merge patch', () => {
  // The test cases of RFC 7396, appendix A.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test('what the patch does not reach is shared', () => {
    const target = { kept: { deep: [1] }, changed: { a: 1 } };
    const result = mergePatch(target, { changed: { b: 2 } }) as typeof target;
    expect(result.kept).toBe(target.kept);
    expect(target).toEqual({ kept: { deep: [1] }, changed: { a: 1 } });
  });
});

describe('JSON patch', () => {
  // Examples of RFC 6902, appendix A.
  test.each([
    ['A.1', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    [
      'A.2',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    ['A.3', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['A.4', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
    ['A.5', { baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    [
      'A.6',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [{ op: 'test', path: '/foo/1', value: 2 }],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.10',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      { foo: 'bar', child: { grandchild: {} } },
    ],
    ['A.14', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [
      'A.16',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      { foo: ['bar', ['abc', 'def']] },
    ],
    ['the whole document', { foo: 1 }, [{ op: 'replace', path: '', value: { bar: 2 } }], { bar: 2 }],
    ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  ])('%s', (_title, target, patch, result) => {
    const before = structuredClone(target);
    expect(jsonPatch(target, patch)).toEqual(result);
    expect(target).toEqual(before);
  });

  test.each([
    ['A.9', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }], 'Invalid'],
    ['A.12', { foo: 'bar' }, [{ op: 'add', path: '/baz/bat', value: 'qux' }], 'Invalid'],
    ['A.15', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: '10' }], 'Invalid'],
    ['an index past the end', { a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }], 'Invalid'],
    ['a leading zero', { a: [1, 2] }, [{ op: 'remove', path: '/a/01' }], 'Invalid'],
    ['removing what is not there', { a: 1 }, [{ op: 'remove', path: '/b' }], 'Invalid'],
    ['an unknown operation', {}, [{ op: 'frobnicate', path: '/a' }], 'Invalid'],
    ['no array', {}, { op: 'add' }, 'BadRequest'],
  ] as const)('%s is refused', (_title, target, patch, reason) => {
    expect(() => jsonPatch(target, patch)).toThrow(
      expect.toSatisfy((error: unknown) => isKubeError(error, reason)),
    );
  });
});

describe('strategic merge patch', () => {
  const keyed = {
    type: 'array',
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': 'name',
  };
  const schema = {
    properties: {
      env: { ...keyed, items: { properties: { ports: { ...keyed, items: {} } } } },
      args: { type: 'array' },
      sets: { type: 'array', 'x-kubernetes-patch-strategy': 'merge' },
    },
  };
  const target = {
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
    args: ['x'],
    sets: ['a', 'b'],
  };

  test.each([
    [
      'items merge by key',
      { env: [{ name: 'B', value: '3' }, { name: 'C' }] },
      { env: [{ name: 'A', value: '1' }, { name: 'B', value: '3' }, { name: 'C' }] },
    ],
    ['an item is deleted', { env: [{ name: 'A', $patch: 'delete' }] }, { env: [{ name: 'B', value: '2' }] }],
    ['a list is replaced', { env: [{ $patch: 'replace' }, { name: 'Z' }] }, { env: [{ name: 'Z' }] }],
    ['a plain list is replaced', { args: ['y'] }, { args: ['y'] }],
    ['a list of values merges as a set', { sets: ['b', 'c'] }, { sets: ['a', 'b', 'c'] }],
    ['values leave a set', { '$deleteFromPrimitiveList/sets': ['a'] }, { sets: ['b'] }],
    [
      'an order is kept',
      { '$setElementOrder/env': [{ name: 'B' }, { name: 'A' }] },
      {
        env: [
          { name: 'B', value: '2' },
          { name: 'A', value: '1' },
        ],
      },
    ],
    ['a null removes', { args: null }, { args: undefined }],
    [
      'only some keys are retained',
      { $retainKeys: ['args'], args: ['z'] },
      { env: undefined, sets: undefined, args: ['z'] },
    ],
  ])('%s', (_title, patch, change) => {
    expect(strategicMergePatch(target, patch, schema)).toEqual({ ...target, ...change });
  });

  test('an item without its key is refused', () => {
    expect(() => strategicMergePatch(target, { env: [{ value: '1' }] }, schema)).toThrow(
      /does not contain key: name/,
    );
  });

  test('an unknown directive is refused', () => {
    expect(() => strategicMergePatch(target, { '$frobnicate/env': [] }, schema)).toThrow(
      /unknown patch directive/,
    );
  });
});
