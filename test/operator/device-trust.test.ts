import { expect, test } from 'vitest';
import type { PlannedFirmware } from '../../src/scenario/plan.ts';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const SLOT_BYTES = 0x180000;

/**
 * Three boards with secure boot, one of each chip, and an operator that asks nobody who signed what; what became
 * of them when they were told to take thermo:2.0.0.
 */
async function flash(update: Partial<PlannedFirmware>) {
  const rig = new Rig({
    boards: boards(3, { secureBoot: ['release'] }),
    firmware: [
      { ...firmware('thermo:1.0.0'), imageSignedBy: 'release' },
      { ...firmware('thermo:2.0.0'), ...update },
    ],
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const slots = () => rig.boards.map(({ parts }) => Buffer.from(parts.flash.read(0x10000, SLOT_BYTES)));
  const before = slots();
  await rig.createJob('update', {
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    deviceDeadline: '5m',
  });
  await rig.until(
    'the job is over',
    async () => ((await rig.job('update')).status?.counts?.pending ?? 1) === 0,
    20 * MINUTE,
  );
  const { status } = await rig.job('update');
  const isUntouched = slots().every((slot, index) => slot.equals(before[index] ?? Buffer.alloc(0)));
  await rig.stop();
  const outcomes = status?.devices?.map(({ outcome, message }) => `${outcome}: ${message}`) ?? [];
  return { counts: status?.counts, outcomes, isUntouched, rig };
}

test.each([
  ['by a stranger', { imageSignedBy: 'stranger' }, 'untrusted-key'],
  [
    'by a stranger, and sent as a delta',
    { imageSignedBy: 'stranger', deltaFrom: ['thermo:1.0.0'] },
    'untrusted-key',
  ],
  ['by nobody', {}, 'no-block'],
])(
  'an image signed %s is stopped at the device, though the operator would have it',
  async (_, update, why) => {
    const { outcomes, isUntouched, rig } = await flash(update);
    expect(outcomes).toHaveLength(3);
    for (const outcome of outcomes)
      expect(outcome).toMatch(`bad-image: not-trusted at device: no signature vouches for the image: ${why}`);
    expect(isUntouched).toBe(true);
    for (const { version, slot, confirmed } of rig.boards)
      expect({ version, slot, confirmed }).toEqual({ version: '1.0.0', slot: 'ota_0', confirmed: true });
    // One try each: what a device does not trust it will not trust the next time either.
    expect(rig.events.filter(({ kind }) => kind === 'write-begin')).toHaveLength(3);
  },
);

test.each([
  ['in full', {}],
  ['as a delta', { deltaFrom: ['thermo:1.0.0'] }],
])(
  'an image signed by the key that is burnt is taken %s, and attested by its measurement',
  async (_, more) => {
    const { counts, rig } = await flash({ imageSignedBy: 'release', ...more });
    expect(counts).toMatchObject({ confirmed: 3 });
    const begins = rig.events.filter(({ kind }) => kind === 'write-begin');
    expect(begins.map((event) => 'deltaFrom' in event)).toEqual([0, 1, 2].map(() => 'deltaFrom' in more));
    for (const { version, digest } of rig.boards) {
      expect(version).toBe('2.0.0');
      expect(begins.map((event) => 'digest' in event && event.digest)).toContain(digest);
    }
  },
);
