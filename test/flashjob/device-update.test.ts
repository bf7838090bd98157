import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReportCode } from '../../src/device/messages.ts';
import { decideDeviceUpdate } from '../../src/flashjob/device-update.ts';
import type { DeviceUpdateView, Evidence, Transfer } from '../../src/flashjob/device-update-view.ts';
import type { AttestedState } from '../../src/kube/device.ts';

const OLD = 'sha256:old';
const NEW = 'sha256:new';
const NOW = 1_000_000;
const state = (more: Partial<AttestedState> = {}): AttestedState => ({
  application: 'thermo',
  version: '1',
  slot: 'ota_0',
  digest: OLD,
  secureVersion: 0,
  confirmed: true,
  bootCount: 7,
  ...more,
});
const accepted = (more: Partial<AttestedState> = {}, atMs = NOW): Evidence => ({
  atMs,
  result: 'accepted',
  chip: 'esp32',
  state: state(more),
});
const REFUSED: Evidence = { atMs: NOW, result: 'refused', code: 'bad-signature', message: 'forged' };
const refusal = (forMs: number) => ({ code: 'bad-signature', message: 'forged', sinceMs: NOW - forMs });
const transfer = (more: Partial<Transfer> = {}): Transfer => ({
  state: 'none',
  offeredAtMs: 0,
  heardAtMs: 0,
  unanswered: 0,
  failures: 0,
  ...more,
});
const view = (more: Partial<DeviceUpdateView> = {}): DeviceUpdateView => ({
  nowMs: NOW,
  claim: 'mine',
  phase: 'Claimed',
  attempts: 0,
  deadlineMs: NOW + 600_000,
  hasStation: true,
  isPaused: false,
  isCancelled: false,
  firmware: { kind: 'ready', digest: NEW, secureVersion: 0 },
  transfer: transfer(),
  ...more,
});
const LATE = { deadlineMs: NOW - 1 };

const kindOf = (more: Partial<DeviceUpdateView>): string => {
  const action = decideDeviceUpdate(view(more));
  return action.kind === 'settle' ? action.outcome : action.kind;
};

describe('before anything is sent', () => {
  test.each<[string, Partial<DeviceUpdateView>, string]>([
    ['a device that another job holds is left', { claim: 'other', evidence: accepted() }, 'leave'],
    ['a free device is claimed', { claim: 'none' }, 'claim'],
    ['a paused job claims nothing', { claim: 'none', isPaused: true }, 'leave'],
    ['a device that is not enrolled is refused', { claim: 'none', barrier: 'not enrolled' }, 'refused'],
    ['a device of another chip is incompatible', { claim: 'none', misfit: 'chip' }, 'incompatible'],
    ['without evidence it is challenged', {}, 'challenge'],
    ['an open challenge is waited for', { challenge: { sentAtMs: NOW - 1, unanswered: 1 } }, 'wait'],
    ['an unanswered one is repeated', { challenge: { sentAtMs: NOW - 10_000, unanswered: 1 } }, 'challenge'],
    ['refused evidence ends it', { evidence: REFUSED }, 'refused'],
    [
      'evidence from before a reconnect does not count',
      { evidence: accepted({}, NOW - 9), link: { online: true, sinceMs: NOW - 5 } },
      'challenge',
    ],
    ['old evidence does not count', { evidence: accepted({}, NOW - 61_000) }, 'challenge'],
    ['the wanted image, confirmed, is success', { evidence: accepted({ digest: NEW }) }, 'confirmed'],
    [
      'the wanted image on probation is watched',
      { evidence: accepted({ digest: NEW, confirmed: false }) },
      'mark-rebooting',
    ],
    ['another image on probation is waited for', { evidence: accepted({ confirmed: false }) }, 'wait'],
    [
      'a higher secure version is not lowered',
      { evidence: accepted({ secureVersion: 1 }) },
      'downgrade-refused',
    ],
    [
      'an image that will not come ends it',
      { evidence: accepted(), firmware: { kind: 'failed', outcome: 'bad-image', message: '' } },
      'bad-image',
    ],
    [
      'an image that is late is waited for',
      { evidence: accepted(), firmware: { kind: 'pending', problem: '503', isCorrupt: false } },
      'wait',
    ],
    ['fresh evidence earns an offer', { evidence: accepted() }, 'offer'],
    ['a cancelled job offers nothing', { evidence: accepted(), isCancelled: true }, 'cancelled'],
    ['nobody answered in time', LATE, 'unreachable'],
    ['a device that is nowhere is waited for', { hasStation: false }, 'wait'],
    ['a device that was nowhere in time', { ...LATE, hasStation: false }, 'unreachable'],
    ['a refusal in its name may be an impostor’s', { hasStation: false, refusal: refusal(29_999) }, 'wait'],
    ['one that stands is its own', { hasStation: false, refusal: refusal(30_000) }, 'refused'],
    ['a device that has an address is asked itself', { refusal: refusal(30_000) }, 'challenge'],
    [
      'no image came in time',
      { ...LATE, evidence: accepted(), firmware: { kind: 'pending', problem: '503', isCorrupt: false } },
      'interrupted',
    ],
    [
      'only wrong bytes came in time',
      { ...LATE, evidence: accepted(), firmware: { kind: 'pending', problem: 'digest', isCorrupt: true } },
      'bad-image',
    ],
  ])('%s', (_, more, expected) => {
    expect(kindOf(more)).toBe(expected);
  });
});

describe('while the image moves', () => {
  const open = { phase: 'Transferring', attempts: 1, evidence: accepted() } as const;
  const ended = (code: ReportCode, failures: number, stage: 'refused' | 'failed' = 'failed') => ({
    ...open,
    transfer: transfer({ state: stage, code, message: '', heardAtMs: NOW - 1, failures }),
  });
  test.each<[string, Partial<DeviceUpdateView>, string]>([
    [
      'a conversation that lives is left alone',
      { ...open, transfer: transfer({ state: 'accepted', heardAtMs: NOW - 5_000 }) },
      'wait',
    ],
    [
      'one that stalled is taken up again',
      { ...open, transfer: transfer({ state: 'accepted', heardAtMs: NOW - 30_000 }) },
      'offer',
    ],
    [
      'a written image is remembered',
      { ...open, transfer: transfer({ state: 'written' }) },
      'mark-rebooting',
    ],
    ['the wrong chip ends it', ended('wrong-chip', 1, 'refused'), 'incompatible'],
    ['a slot that is too small ends it', ended('too-large', 1, 'refused'), 'incompatible'],
    ['a downgrade that the device refuses ends it', ended('downgrade', 1, 'refused'), 'downgrade-refused'],
    ['a broken image is tried again', ended('digest-mismatch', 1), 'wait'],
    ['a broken image is not tried for ever', ended('digest-mismatch', 3), 'bad-image'],
    ['a busy device is asked again', ended('busy', 30, 'refused'), 'wait'],
    [
      'time that runs out interrupts it',
      { ...open, ...LATE, transfer: transfer({ state: 'accepted', heardAtMs: NOW }) },
      'interrupted',
    ],
    [
      'a cancelled job finishes what it began',
      { ...open, isCancelled: true, transfer: transfer({ state: 'accepted', heardAtMs: NOW }) },
      'wait',
    ],
  ])('%s', (_, more, expected) => {
    expect(kindOf(more)).toBe(expected);
  });
});

describe('after the image is written', () => {
  const written = { phase: 'Rebooting', attempts: 1, writtenAtMs: NOW - 60_000, bootsBefore: 7 } as const;
  const probation = accepted({ digest: NEW, confirmed: false, bootCount: 8 });
  test.each<[string, Partial<DeviceUpdateView>, string]>([
    ['a device that is silent is asked', written, 'challenge'],
    [
      'a device that has just come back tests itself first',
      { ...written, link: { online: true, sinceMs: NOW - 1_000 } },
      'wait',
    ],
    [
      'the wanted measurement, confirmed, is success',
      { ...written, evidence: accepted({ digest: NEW, bootCount: 8 }) },
      'confirmed',
    ],
    [
      'evidence from before the write is no success',
      { ...written, evidence: accepted({ digest: NEW }, NOW - 70_000) },
      'challenge',
    ],
    ['probation is waited for', { ...written, evidence: probation }, 'wait'],
    [
      'the old image after a restart is a rollback',
      { ...written, evidence: accepted({ bootCount: 9 }) },
      'rolled-back',
    ],
    ['the old image without a restart is not', { ...written, evidence: accepted({ bootCount: 7 }) }, 'wait'],
    ['probation that never ends gets a restart', { ...written, ...LATE, evidence: probation }, 'reboot'],
    [
      'and one more chance',
      { ...written, ...LATE, evidence: probation, rebootOrderedAtMs: NOW - 1_000 },
      'wait',
    ],
    [
      'and then a name',
      { ...written, ...LATE, evidence: probation, rebootOrderedAtMs: NOW - 200_000 },
      'unconfirmed',
    ],
    ['silence has a name', { ...written, ...LATE }, 'silent'],
    ['refused evidence is no verdict', { ...written, evidence: REFUSED }, 'wait'],
    ['refused evidence at the end counts as silence', { ...written, ...LATE, evidence: REFUSED }, 'silent'],
  ])('%s', (_, more, expected) => {
    expect(kindOf(more)).toBe(expected);
  });
});

const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.constant(REFUSED),
  fc
    .record({
      digest: fc.constantFrom(OLD, NEW),
      confirmed: fc.boolean(),
      bootCount: fc.integer({ min: 6, max: 9 }),
      secureVersion: fc.integer({ min: 0, max: 1 }),
      atMs: fc.integer({ min: NOW - 200_000, max: NOW }),
    })
    .map(({ atMs, ...more }) => accepted(more, atMs)),
);
const time = fc.integer({ min: NOW - 300_000, max: NOW });
const anyView: fc.Arbitrary<DeviceUpdateView> = fc
  .record(
    {
      claim: fc.constantFrom('none', 'mine', 'other'),
      phase: fc.constantFrom('Claimed', 'Transferring', 'Rebooting'),
      attempts: fc.integer({ min: 0, max: 3 }),
      deadlineMs: fc.integer({ min: NOW - 300_000, max: NOW + 600_000 }),
      hasStation: fc.boolean(),
      isPaused: fc.boolean(),
      isCancelled: fc.boolean(),
      evidence,
      link: fc.record({ online: fc.boolean(), sinceMs: time }),
      challenge: fc.record({ sentAtMs: time, unanswered: fc.integer({ min: 0, max: 5 }) }),
      writtenAtMs: time,
      bootsBefore: fc.constant(7),
      rebootOrderedAtMs: time,
      barrier: fc.constant('quarantined'),
      transfer: fc
        .record({
          state: fc.constantFrom('none', 'offered', 'accepted', 'written', 'refused', 'failed'),
          offeredAtMs: time,
          heardAtMs: time,
          unanswered: fc.integer({ min: 0, max: 5 }),
          failures: fc.integer({ min: 1, max: 5 }),
          code: fc.constantFrom<ReportCode>('busy', 'digest-mismatch', 'wrong-chip', 'flash-error'),
        })
        .map((more) => transfer(more as Partial<Transfer>)),
    },
    { requiredKeys: [] },
  )
  .map((more) => view(more as Partial<DeviceUpdateView>));

test('nothing is offered without a claim, fresh accepted evidence, and a conversation that is not alive', () => {
  fc.assert(
    fc.property(anyView, (any) => {
      if (decideDeviceUpdate(any).kind !== 'offer') return;
      expect(any.claim).toBe('mine');
      expect(any.barrier).toBeUndefined();
      expect(any.evidence?.result).toBe('accepted');
      expect(NOW - (any.evidence?.atMs ?? 0)).toBeLessThanOrEqual(60_000);
      const isOpen = any.transfer.state === 'offered' || any.transfer.state === 'accepted';
      const isBack = any.link?.online === true && any.link.sinceMs > any.transfer.heardAtMs;
      if (isOpen && !isBack) expect(NOW - any.transfer.heardAtMs).toBeGreaterThanOrEqual(20_000);
    }),
    { numRuns: 3_000 },
  );
});

test('success is only what the device proved: the wanted measurement, confirmed', () => {
  fc.assert(
    fc.property(anyView, (any) => {
      const action = decideDeviceUpdate(any);
      if (action.kind !== 'settle' || action.outcome !== 'confirmed') return;
      expect(any.evidence).toMatchObject({ result: 'accepted', state: { digest: NEW, confirmed: true } });
    }),
    { numRuns: 3_000 },
  );
});

test('every wait ends, and none is over before it began', () => {
  fc.assert(
    fc.property(anyView, (any) => {
      const action = decideDeviceUpdate(any);
      if (action.kind === 'wait') {
        expect(action.untilMs).toBeGreaterThan(NOW);
        expect(action.untilMs).toBeLessThanOrEqual(NOW + 300_000);
      }
    }),
    { numRuns: 3_000 },
  );
});
