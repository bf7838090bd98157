import { expect, test } from 'vitest';
import { findCondition, setCondition } from '../../src/kube/condition.ts';

const READY = { type: 'Ready', status: 'True', reason: 'Up', message: 'it is up' } as const;

test('the time moves with the status and with nothing else', () => {
  const first = setCondition(undefined, READY, 'T1');
  const reworded = setCondition(first, { ...READY, reason: 'StillUp' }, 'T2');
  const flipped = setCondition(reworded, { ...READY, status: 'False' }, 'T3');
  expect([first, reworded, flipped].map((list) => findCondition(list, 'Ready')?.lastTransitionTime)).toEqual([
    'T1',
    'T1',
    'T3',
  ]);
});

test('a condition that says nothing new leaves the very same list, so nothing is written', () => {
  const list = setCondition(undefined, READY, 'T1');
  expect(setCondition(list, READY, 'T2')).toBe(list);
});

test('other conditions stay where they are', () => {
  const both = setCondition(setCondition(undefined, READY, 'T1'), { ...READY, type: 'Synced' }, 'T1');
  const after = setCondition(both, { ...READY, status: 'Unknown' }, 'T2');
  expect(after.map(({ type, status }) => `${type} ${status}`)).toEqual(['Ready Unknown', 'Synced True']);
});
