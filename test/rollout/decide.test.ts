import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countsAtGate, type Outcome } from '../../src/device/outcome.ts';
import { decideRollout } from '../../src/rollout/decide.ts';
import { RolloutModel } from './model.ts';

const outcome = fc.constantFrom<Outcome>(
  'confirmed',
  'confirmed',
  'confirmed',
  'rolled-back',
  'silent',
  'refused',
);
const outcomes = fc.array(outcome, { minLength: 40, maxLength: 40 });
const policy = fc.constantFrom(
  { action: 'hold' } as const,
  { action: 'revert', revertTo: 'registry.local/thermo:1', maxFailures: '30%' } as const,
);
/** What happens next: a look that may die after some writes, a device that ends, or time. */
const happening = fc.oneof(
  fc.record({ look: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ settle: fc.nat() }),
  fc.record({ passMs: fc.integer({ min: 1, max: 90_000 }) }),
);

const modelOf = (
  list: readonly Outcome[],
  spec: ConstructorParameters<typeof RolloutModel>[0]['spec'],
): RolloutModel =>
  new RolloutModel({
    devices: list.length,
    spec,
    outcomeOf: (device) => list[Number(device.split('-')[1])] ?? 'confirmed',
  });

/** Every job began after the waves before its own were through, good enough, and baked; judged by the jobs alone. */
function checkGates(model: RolloutModel): void {
  const updates = [...model.jobs.values()].filter(({ purpose }) => purpose === 'update');
  for (const job of updates)
    for (let wave = 0; wave < job.wave; wave++) {
      const earlier = updates.filter((candidate) => candidate.wave === wave);
      for (const { settledMs } of earlier) expect(settledMs + 60_000).toBeLessThanOrEqual(job.createdMs);
      const ends = earlier.flatMap(({ verdicts }) =>
        [...verdicts.values()].map((verdict) => verdict.outcome),
      );
      const counted = ends.filter(countsAtGate).length;
      const confirmed = ends.filter((end) => end === 'confirmed').length;
      expect(confirmed * 100).toBeGreaterThanOrEqual(80 * counted);
      expect(ends).toHaveLength(model.rollout.status?.waves?.[wave]?.devices ?? 0);
    }
}

test('whatever happens, in whatever order, the budget holds and no wave begins before the gate before it passed', () => {
  fc.assert(
    fc.property(
      outcomes,
      policy,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(happening, { maxLength: 150 }),
      (list, failurePolicy, maxUnavailable, batchSize, story) => {
        const model = modelOf(list, { failurePolicy, maxUnavailable, batchSize });
        for (const event of story) {
          if ('look' in event) model.reconcile(event.look);
          else if ('settle' in event) model.settleOne(event.settle);
          else model.nowMs += event.passMs;
          expect(model.inUpdate).toBeLessThanOrEqual(maxUnavailable);
        }
        model.finish();
        checkGates(model);
        const seen = [...model.jobs.values()].flatMap(({ purpose, devices }) =>
          devices.map((id) => `${purpose} ${id}`),
        );
        expect(new Set(seen).size).toBe(seen.length);
      },
    ),
    { numRuns: 150 },
  );
});

test('a crash between any two writes changes nothing about the end', () => {
  fc.assert(
    fc.property(
      outcomes,
      policy,
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }),
      (list, failurePolicy, batchSize, crashes) => {
        const undisturbed = modelOf(list, { failurePolicy, batchSize });
        undisturbed.finish();
        const disturbed = modelOf(list, { failurePolicy, batchSize });
        for (const writes of crashes) disturbed.reconcile(writes);
        disturbed.finish();
        expect(disturbed.rollout.status?.phase).toBe(undisturbed.rollout.status?.phase);
        if (undisturbed.rollout.status?.phase === 'Completed')
          expect([...disturbed.updated].sort()).toEqual([...undisturbed.updated].sort());
      },
    ),
    { numRuns: 100 },
  );
});

test('the same world gets the same decision', () => {
  fc.assert(
    fc.property(outcomes, policy, fc.array(fc.nat(), { maxLength: 40 }), (list, failurePolicy, story) => {
      const model = modelOf(list, { failurePolicy });
      for (const choice of story) {
        model.reconcile();
        model.settleOne(choice);
        model.nowMs += choice % 60_000;
      }
      const view = model.view();
      expect(decideRollout(structuredCloneOf(view))).toEqual(decideRollout(view));
    }),
    { numRuns: 50 },
  );
});

test('a revert leaves nobody on the new image', () => {
  fc.assert(
    fc.property(outcomes, fc.integer({ min: 1, max: 10 }), (list, batchSize) => {
      const model = modelOf(list, {
        batchSize,
        failurePolicy: { action: 'revert', revertTo: 'registry.local/thermo:1', maxFailures: 1 },
      });
      model.finish();
      if (model.rollout.status?.phase === 'Aborted') expect([...model.updated]).toEqual([]);
    }),
  );
});

test('excluded devices are listed and stop nothing', () => {
  const list = Array.from({ length: 40 }, (_, index): Outcome => (index % 8 === 0 ? 'refused' : 'confirmed'));
  const model = modelOf(list, { failurePolicy: { maxFailures: 1 } });
  model.finish();
  const { status } = model.rollout;
  expect(status).toMatchObject({ phase: 'Completed', counts: { confirmed: 35, refused: 5, pending: 0 } });
  expect(status?.failures?.map(({ outcome: is }) => is)).toEqual(Array.from({ length: 5 }, () => 'refused'));
});

test('a status stays small with ten thousand failures', () => {
  const list = Array.from({ length: 10_000 }, (): Outcome => 'silent');
  const model = modelOf(list, { gate: { minSuccessPercent: 0 }, waves: [{ percent: 100 }], batchSize: 100 });
  model.reconcile();
  model.reconcile();
  for (const { devices, verdicts } of model.jobs.values())
    for (const id of devices) verdicts.set(id, { outcome: 'silent', message: 'x'.repeat(500) });
  model.reconcile();
  expect(model.rollout.status?.counts).toEqual({ pending: 0, silent: 10_000 });
  expect(JSON.stringify(model.rollout.status).length).toBeLessThan(64_000);
});

test('the message always says why the rollout does not move', () => {
  const stopped = modelOf([], {});
  stopped.reconcile();
  expect(stopped.rollout.status?.conditions?.[0]).toMatchObject({
    type: 'Progressing',
    status: 'False',
    reason: 'NoDevices',
  });
  const budget = modelOf(
    Array.from({ length: 40 }, () => 'confirmed'),
    { waves: [{ percent: 100 }], maxUnavailable: 2 },
  );
  budget.reconcile();
  budget.reconcile();
  expect(budget.rollout.status?.message).toContain('38 devices wait for maxUnavailable 2');
  const changed = modelOf(['confirmed'], {});
  changed.reconcile();
  changed.rollout = {
    ...changed.rollout,
    spec: { ...changed.rollout.spec, firmware: 'registry.local/thermo:3' },
  };
  changed.reconcile();
  expect(changed.rollout.status?.message).toContain('registry.local/thermo:2 when this rollout began');
});

/** The view by value, functions kept. */
function structuredCloneOf<T extends { readonly msOf: unknown }>(view: T): T {
  const { msOf, ...rest } = view;
  return { ...structuredClone(rest), msOf } as T;
}
