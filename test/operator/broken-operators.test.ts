import { expect, test } from 'vitest';
import { appraise } from '../../src/attestation/appraisal.ts';
import { decodeSign1 } from '../../src/attestation/cose.ts';
import { decodeEat } from '../../src/attestation/eat.ts';
import { decodeEvidence } from '../../src/attestation/evidence.ts';
import { decideDeviceUpdate } from '../../src/flashjob/device-update.ts';
import { decideRollout } from '../../src/rollout/decide.ts';
import { boards, firmware, LINK, Rig } from './rig.ts';

// The shell must carry out a bad judgement as faithfully as a good one: else no scenario could catch it.

const MINUTE = 60_000;
const IMAGES = [
  firmware('thermo:1.0.0'),
  firmware('thermo:2.0.0', { kind: 'crash', afterMs: 2_000 }, { chip: 'esp32s3' }),
];

test('an operator that skips the gate flashes the fleet with a build that fails', async () => {
  const rig = new Rig({
    boards: boards(30),
    firmware: IMAGES,
    operator: {
      decideRollout: (view) => {
        const { spec } = view.rollout;
        const blind = { ...spec, gate: { minSuccessPercent: 0 }, waves: [{ percent: 100 }] };
        return decideRollout({ ...view, rollout: { ...view.rollout, spec: blind } });
      },
    },
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createRollout('thermo', {
    selector: { matchLabels: { site: 'athens' } },
    firmware: 'registry.local/thermo:2.0.0',
    waves: [{ percent: 10 }, { percent: 100 }],
    gate: { minSuccessPercent: 90 },
  });
  await rig.pass(10 * MINUTE);
  const flashed = new Set(rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.board] : [])));
  expect(flashed.size).toBe(30);
  await rig.stop();
});

test('an operator that offers again while a conversation is open finds devices busy', async () => {
  const rig = new Rig({
    boards: boards(3, { link: { ...LINK, bandwidthBitsPerSecond: 20_000 } }),
    firmware: IMAGES,
    operator: {
      decideDeviceUpdate: (view) => {
        const action = decideDeviceUpdate(view);
        const isOpen = view.transfer.state === 'accepted' && view.attempts < 4;
        return action.kind === 'wait' && isOpen ? { kind: 'offer', isFresh: true } : action;
      },
    },
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
  });
  await rig.pass(10 * MINUTE);
  expect(rig.events.some((event) => event.kind === 'offer' && event.busy)).toBe(true);
  await rig.stop();
});

test('an operator that trusts whatever it is told flashes a forger', async () => {
  const [first, ...others] = boards(3);
  if (first === undefined) throw new Error('a board');
  const rig = new Rig({
    boards: [{ ...first, identity: 'forged' }, ...others],
    firmware: IMAGES,
    operator: {
      appraise: (evidence, context) => {
        const envelope = decodeEvidence(evidence);
        const token = envelope.ok ? decodeSign1(envelope.value.token, 'tagged', 'the token') : envelope;
        const claims = token.ok ? decodeEat(token.value.payload) : token;
        if (!claims.ok) return appraise(evidence, context);
        return { result: 'accepted', deviceId: '', claims: claims.value };
      },
    },
  });
  await rig.start();
  await rig.until('all are believed', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
  });
  await rig.pass(10 * MINUTE);
  expect(rig.events.some((event) => event.kind === 'write-begin' && event.board === first.name)).toBe(true);
  await rig.stop();
});
