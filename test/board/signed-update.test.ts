import { describe, expect, test } from 'vitest';
import { DELTA_FORMAT } from '../../src/device/messages.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { packDelta } from '../../src/oci/pack-delta.ts';
import type { PlannedBoard } from '../../src/scenario/plan.ts';
import { Rig } from './rig.ts';

const images = [{ chip: 'esp32', source: { kind: 'generated', sizeBytes: 96_000 } }] as const;
const MINUTE_MS = 60_000;
const SLOT_BYTES = 0x180000;

async function startedRig(board: Partial<PlannedBoard>, signer: string | undefined): Promise<Rig> {
  const firmware = [
    { key: 'thermo:1.0.0', images, imageSignedBy: 'release' },
    {
      key: 'thermo:2.0.0',
      images,
      deltaFrom: ['thermo:1.0.0'],
      ...(signer !== undefined && { imageSignedBy: signer }),
    },
  ];
  const rig = new Rig({ board, firmware });
  rig.board.powerOn();
  await rig.run(10_000);
  expect(rig.board).toMatchObject({ state: 'running', version: '1.0.0', confirmed: true });
  return rig;
}

function offer(rig: Rig, how: string): void {
  const image = (key: string) => rig.factory.image(key, 'esp32');
  const packed = packDelta(image('thermo:1.0.0'), image('thermo:2.0.0'));
  if (!packed.ok) throw new Error(packed.refusal.message);
  rig.delta = Uint8Array.from(packed.value.bytes);
  rig.servesImage = how === 'in full';
  const delta = {
    from: rig.board.digest,
    digest: digestOf(rig.delta),
    sizeBytes: rig.delta.length,
    format: DELTA_FORMAT,
  };
  rig.offer('thermo:2.0.0', how === 'in full' ? {} : { delta });
}

const running = (rig: Rig): Uint8Array => rig.board.parts.flash.read(0x10000, SLOT_BYTES);

describe.each<[string, Partial<PlannedBoard>]>([
  ['secure boot is on', { secureBoot: ['release'] }],
  ['the app takes signed updates only', { signedUpdates: true }],
])('where %s', (_, board) => {
  test.each(['in full', 'by delta'])('an update that the right key signed is taken %s', async (how) => {
    const rig = await startedRig(board, 'release');
    offer(rig, how);
    await rig.run(MINUTE_MS);
    expect(rig.reports).toEqual([{ stage: 'accepted' }, { stage: 'written' }]);
    expect(rig.board).toMatchObject({ version: '2.0.0', slot: 'ota_1', confirmed: true });
  });

  test.each([
    ['in full', 'stranger', 'untrusted-key'],
    ['by delta', 'stranger', 'untrusted-key'],
    ['in full', undefined, 'no-block'],
    ['by delta', undefined, 'no-block'],
  ])(
    'an update sent %s and signed by %s is refused by the board before otadata',
    async (how, signer, why) => {
      const rig = await startedRig(board, signer);
      const before = running(rig);
      offer(rig, how);
      await rig.run(MINUTE_MS);
      expect(rig.reports).toMatchObject([
        { stage: 'accepted' },
        { stage: 'failed', code: 'not-trusted', message: expect.stringContaining(why) },
      ]);
      expect(Buffer.compare(running(rig), before)).toBe(0);
      rig.board.cutPower();
      rig.board.powerOn();
      await rig.run(MINUTE_MS);
      expect(rig.board).toMatchObject({ state: 'running', version: '1.0.0', slot: 'ota_0', confirmed: true });
    },
  );
});

test('a board that trusts nobody in particular takes what a stranger signed', async () => {
  const rig = await startedRig({}, 'stranger');
  offer(rig, 'in full');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('an offer whose measurement is not that of the image is not switched to', async () => {
  const rig = await startedRig({ secureBoot: ['release'] }, 'release');
  rig.offer('thermo:2.0.0', { measurement: `sha256:${'ab'.repeat(32)}` });
  await rig.run(MINUTE_MS);
  expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'digest-mismatch' });
  expect(rig.board).toMatchObject({ version: '1.0.0', slot: 'ota_0' });
});
