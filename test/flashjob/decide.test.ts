import { expect, test } from 'vitest';
import type { Outcome } from '../../src/device/outcome.ts';
import { decideFlashJob, type FlashJobView } from '../../src/flashjob/decide.ts';
import { orderOf } from '../../src/flashjob/order.ts';
import type { Target } from '../../src/flashjob/tally.ts';
import type { DeviceUpdate } from '../../src/kube/device.ts';
import { FLASH_JOB_FINALIZER, type FlashJob, type FlashJobStatus } from '../../src/kube/flash-job.ts';

const NOW = '2026-01-01T00:00:00Z';
const SPEC = { uuid: ['a', 'b'], firmware: 'registry.local/thermo:2', version: '2' };
const ORDER = orderOf(SPEC);
const RUNNING: FlashJobStatus = { order: ORDER, phase: 'InProgress', startTime: NOW };

function job(status?: FlashJobStatus, more: Partial<FlashJob['metadata']> = {}, spec = {}): FlashJob {
  return {
    apiVersion: 'application.flashjob.nbfc.io/v1alpha1',
    kind: 'FlashJob',
    metadata: {
      name: 'job',
      namespace: 'default',
      uid: 'job-uid',
      resourceVersion: '1',
      creationTimestamp: NOW,
      finalizers: [FLASH_JOB_FINALIZER],
      ...more,
    },
    spec: { ...SPEC, ...spec },
    ...(status && { status }),
  };
}

function update(outcome?: Outcome): DeviceUpdate {
  return {
    jobNamespace: 'default',
    jobName: 'job',
    jobUid: 'job-uid',
    order: ORDER,
    digest: 'sha256:2',
    phase: outcome === undefined ? 'Claimed' : 'Settled',
    attempts: 1,
    startedAt: NOW,
    ...(outcome !== undefined && { outcome, message: 'because' }),
  };
}

const target = (uuid: string, outcome?: Outcome): Target => ({ uuid, device: uuid, update: update(outcome) });
const POD = { phase: 'active', order: ORDER, message: '', endedForMs: 0 } as const;

function decide(more: Partial<FlashJobView>) {
  return decideFlashJob({
    job: job(RUNNING),
    order: ORDER,
    now: NOW,
    targets: [
      { uuid: 'a', device: 'a' },
      { uuid: 'b', device: 'b' },
    ],
    aliases: {},
    held: [],
    pod: POD,
    hasService: true,
    ...more,
  });
}

const kinds = (decision: ReturnType<typeof decide>): string[] => decision.actions.map(({ kind }) => kind);

test('the finalizer comes before anything else', () => {
  const decision = decide({ job: job(undefined, { finalizers: [] }), pod: undefined });
  expect(kinds(decision)).toEqual(['add-finalizer']);
  expect(decision.status).toBeUndefined();
});

test('a job remembers what its ids mean before an agent exists', () => {
  const decision = decide({ job: job(), pod: undefined, aliases: { uid: 'a' } });
  expect(decision.status).toMatchObject({ order: ORDER, phase: 'InProgress', aliases: { uid: 'a' } });
  expect(kinds(decision)).toEqual([]);
});

test('one Service and one agent are made, and made again when they are gone', () => {
  expect(kinds(decide({ pod: undefined, hasService: false }))).toEqual(['create-service', 'create-pod']);
  expect(kinds(decide({}))).toEqual([]);
});

test('a job is complete when every device is confirmed', () => {
  const { status } = decide({ targets: [target('a', 'confirmed'), target('b', 'confirmed')] });
  expect(status).toMatchObject({ phase: 'Completed', completionTime: NOW, completedUUIDs: ['a', 'b'] });
});

test('one device that is not makes it failed, and says which', () => {
  const { status, events } = decide({ targets: [target('a', 'confirmed'), target('b', 'rolled-back')] });
  expect(status).toMatchObject({
    phase: 'Failed',
    counts: { confirmed: 1, 'rolled-back': 1, pending: 0 },
    devices: [{ uuid: 'b', outcome: 'rolled-back', message: 'because' }],
  });
  expect(events).toMatchObject([{ type: 'Warning', reason: 'Failed' }]);
});

test('an id that means nothing is an outcome, not an oversight', () => {
  const { status } = decide({ targets: [target('a', 'confirmed'), { uuid: 'b' }] });
  expect(status?.devices).toMatchObject([{ uuid: 'b', outcome: 'unknown-device' }]);
});

test('an agent that failed is replaced, six times at most', () => {
  const failed = { ...POD, phase: 'failed', message: 'OOMKilled' } as const;
  const once = decide({ pod: failed });
  expect(kinds(once)).toEqual(['delete-pod']);
  expect(once.status).toMatchObject({ phase: 'InProgress', agentFailures: 1 });
  const often = decide({ pod: failed, job: job({ ...RUNNING, agentFailures: 5 }) });
  expect(often.status).toMatchObject({ phase: 'Failed', counts: { interrupted: 2 } });
});

test('an agent that succeeded is believed for as long as its last words may be under way', () => {
  const ended = { ...POD, phase: 'succeeded' } as const;
  expect(kinds(decide({ pod: ended }))).toEqual([]);
  expect(decide({ pod: ended }).requeueAfterMs).toBeGreaterThan(0);
  expect(kinds(decide({ pod: { ...ended, endedForMs: 60_000 } }))).toEqual(['delete-pod']);
});

test('after success the agent goes, after failure it stays to be read', () => {
  const ended = { ...POD, phase: 'succeeded' } as const;
  expect(kinds(decide({ job: job({ ...RUNNING, phase: 'Completed' }), pod: ended }))).toEqual([
    'delete-service',
    'delete-pod',
  ]);
  expect(kinds(decide({ job: job({ ...RUNNING, phase: 'Failed' }), pod: ended }))).toEqual([
    'delete-service',
  ]);
});

test('a job that is over lets go of every device it still holds', () => {
  const { actions } = decide({ job: job({ ...RUNNING, phase: 'Failed' }), held: ['b'], hasService: false });
  expect(actions).toMatchObject([
    { kind: 'release', device: 'b', outcome: 'interrupted' },
    { kind: 'delete-pod' },
  ]);
});

test('deletion waits for the agent, then lets devices go, then the job', () => {
  const deleted = job(RUNNING, { deletionTimestamp: NOW });
  expect(kinds(decide({ job: deleted }))).toEqual(['delete-pod']);
  expect(kinds(decide({ job: deleted, pod: { ...POD, phase: 'stopping' } }))).toEqual([]);
  expect(kinds(decide({ job: deleted, pod: undefined, held: ['a'] }))).toEqual([
    'release',
    'delete-service',
    'remove-finalizer',
  ]);
});

test('a changed order ends the agent of the old one before anything is started', () => {
  const changed = decide({ order: 'another', job: job({ ...RUNNING, phase: 'Completed' }) });
  expect(kinds(changed)).toEqual(['delete-pod']);
  expect(changed.status).toBeUndefined();
  const free = decide({ order: 'another', pod: undefined, held: ['gone'] });
  expect(free.status).toMatchObject({ order: 'another', phase: 'InProgress' });
  expect(free.actions).toMatchObject([{ kind: 'release', device: 'gone', outcome: 'cancelled' }]);
});

test('a cancelled job is over when those that were started are', () => {
  const cancelled = job(RUNNING, {}, { cancelled: true });
  const untouched = { uuid: 'b', device: 'b' };
  expect(decide({ job: cancelled, targets: [target('a'), untouched] }).status?.phase).toBe('InProgress');
  expect(decide({ job: cancelled, targets: [target('a', 'confirmed'), untouched] }).status).toMatchObject({
    phase: 'Failed',
    counts: { cancelled: 1, confirmed: 1 },
  });
});

test('a status stays under 64 kB with ten thousand devices', () => {
  const id = (index: number): string => `d95c7c2d-7dc5-427b-9bf7-${String(index).padStart(12, '0')}`;
  const long = 'x'.repeat(1000);
  const targets = Array.from({ length: 10_000 }, (_, index): Target => {
    const outcome = index % 2 === 0 ? 'confirmed' : 'rolled-back';
    return {
      uuid: id(index),
      device: id(index),
      station: 'esp32c3-246f28aabbcc',
      update: { ...update(outcome), message: long },
    };
  });
  const aliases = Object.fromEntries(targets.slice(0, 200).map(({ uuid }) => [uuid, uuid]));
  const { status } = decide({ targets, job: job({ ...RUNNING, aliases }) });
  expect(status?.counts).toEqual({ confirmed: 5000, pending: 0, 'rolled-back': 5000 });
  expect(JSON.stringify(status).length).toBeLessThan(64_000);
});

test('pausing or cancelling does not change what a job asks for', () => {
  expect(orderOf({ ...SPEC, paused: true, cancelled: true, parallelism: 3 })).toBe(ORDER);
  expect(orderOf({ ...SPEC, uuid: ['b', 'a'] })).not.toBe(ORDER);
  expect(orderOf({ ...SPEC, firmware: 'registry.local/thermo:3' })).not.toBe(ORDER);
});
