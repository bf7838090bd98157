import { beforeAll, describe, expect, test } from 'vitest';
import type { Kind } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { type Custom, define, draftOf, newCrd, rule, specOf } from './kube-crd-draft.ts';
import { refusalOf } from './refusal.ts';

const TEXT = { type: 'string', maxLength: 20 };
const INT = { type: 'integer' };
const items = (more: object): object => ({
  type: 'object',
  required: ['k'],
  properties: { k: TEXT, v: INT },
  ...more,
});
const byKey = {
  type: 'array',
  maxItems: 5,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['k'],
};

/** Rules about changes, and what rules say when they are broken. */
const FIELDS = {
  fixed: { ...TEXT, ...rule('self == oldSelf', { message: 'is for life' }) },
  rising: {
    ...INT,
    ...rule('self >= oldSelf', { messageExpression: "'%d is less than %d'.format([self, oldSelf])" }),
  },
  once: {
    ...TEXT,
    ...rule("!oldSelf.hasValue() || oldSelf.value() == self || self == 'reset'", { optionalOldSelf: true }),
  },
  first: { ...TEXT, ...rule("oldSelf.hasValue() || self == 'new'", { optionalOldSelf: true }) },
  keyed: { ...byKey, items: items(rule('self.v >= oldSelf.v', { message: 'may not shrink' })) },
  whole: {
    ...byKey,
    items: items({}),
    ...rule('oldSelf.all(o, self.exists(s, s.k == o.k))', { message: 'may not lose items' }),
  },
  map: { type: 'object', maxProperties: 4, additionalProperties: { ...INT, ...rule('self == oldSelf') } },
  pair: {
    type: 'object',
    properties: { min: INT, max: INT },
    'x-kubernetes-validations': [
      { rule: 'self.min <= self.max', message: 'min above max', fieldPath: '.max' },
      { rule: 'self.min != 13', message: 'unlucky', reason: 'FieldValueForbidden', fieldPath: '.min' },
      { rule: 'self.min != 14', reason: 'FieldValueRequired' },
      { rule: 'self.min != 15', reason: 'FieldValueDuplicate' },
      { rule: 'self.min != 16', message: 'plain', messageExpression: "''" },
      { rule: 'self.min != 17', message: 'plain', messageExpression: 'string(1 / (self.min - 17))' },
    ],
  },
};
const OLD = {
  fixed: 'a',
  rising: 5,
  once: 'a',
  first: 'new',
  keyed: [
    { k: 'a', v: 1 },
    { k: 'b', v: 2 },
  ],
  whole: [{ k: 'a' }, { k: 'b' }],
  map: { x: 1 },
};

const UPDATES: readonly (readonly [spec: object, causes: readonly string[], words?: string])[] = [
  [{ fixed: 'a' }, []],
  [{ fixed: 'b' }, ['Invalid fixed'], 'is for life'],
  [{ fixed: undefined }, []],
  [{ rising: 6 }, []],
  [{ rising: 4 }, ['Invalid rising'], '4 is less than 5'],
  [{ once: 'b' }, ['Invalid once'], 'failed rule: !oldSelf'],
  [{ once: 'reset' }, []],
  [{ first: 'other' }, []],
  [
    {
      keyed: [
        { k: 'b', v: 1 },
        { k: 'a', v: 9 },
      ],
    },
    ['Invalid keyed[0]'],
    'may not shrink',
  ],
  [{ keyed: [{ k: 'c', v: 0 }] }, []],
  [{ whole: [{ k: 'c' }, { k: 'b' }, { k: 'a' }] }, []],
  [{ whole: [{ k: 'b' }] }, ['Invalid whole'], 'may not lose items'],
  [{ map: { x: 1, y: 2 } }, []],
  [{ map: { x: 2 } }, ['Invalid map[x]'], 'failed rule: self == oldSelf'],
];

const CREATED: readonly (readonly [spec: object, causes: readonly string[], words?: string])[] = [
  [{ fixed: 'b', rising: -1, map: { x: 9 } }, []],
  [{ once: 'anything' }, []],
  [{ first: 'old' }, ['Invalid first'], 'failed rule: oldSelf.hasValue()'],
  [{ pair: { min: 1, max: 2 } }, []],
  [{ pair: { min: 3, max: 2 } }, ['Invalid pair.max'], 'min above max'],
  [{ pair: { min: 13, max: 20 } }, ['Forbidden pair.min'], 'unlucky'],
  [{ pair: { min: 14, max: 20 } }, ['Required pair'], 'failed rule: self.min != 14'],
  [{ pair: { min: 15, max: 20 } }, ['Duplicate pair'], 'Duplicate value'],
  [{ pair: { min: 16, max: 20 } }, ['Invalid pair'], 'plain'],
  [{ pair: { min: 17, max: 20 } }, ['Invalid pair'], 'plain'],
  [{ pair: { max: 2 } }, ['Invalid pair'], 'no such key: min'],
];

export function celChangeContract(bench: Bench): void {
  describe('rules about changes', () => {
    let kind: Kind<Custom>;
    let namespace: string;
    beforeAll(async () => {
      kind = await define(bench, newCrd(`${bench.unique('change')}s`, specOf(FIELDS)));
      namespace = await bench.namespace();
    });
    const create = (spec: object): Promise<Custom> =>
      bench.api.create(kind, draftOf(kind, namespace, bench.unique('o'), spec));
    const judge = async (call: Promise<Custom>, causes: readonly string[], words = ''): Promise<void> => {
      if (causes.length === 0) return void expect((await call).kind).toBe(kind.kind);
      const refusal = await refusalOf(call);
      const expected = [...new Set(causes.map((cause) => `FieldValue${cause.replace(' ', ' spec.')}`))];
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: expected });
      expect(refusal.message).toContain(words);
    };

    for (const [spec, causes, words] of CREATED)
      test(`an object with ${JSON.stringify(spec)}`, () => judge(create(spec), causes, words));

    for (const [spec, causes, words] of UPDATES)
      test(`a change to ${JSON.stringify(spec)}`, async () => {
        const before = await create(OLD);
        const after = { ...before, spec: { ...before.spec, ...spec } };
        await judge(bench.api.replace(kind, after), causes, words);
      });
  });
}
