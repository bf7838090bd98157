import { expect, test } from 'vitest';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;

test('a job brings its devices to the image and says so with what they attested', async () => {
  const rig = new Rig({ boards: boards(6), firmware: [firmware('thermo:1.0.0'), firmware('thermo:2.0.0')] });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
  });
  await rig.until(
    'the job is over',
    async () => (await rig.job('update')).status?.completionTime !== undefined,
    10 * MINUTE,
  );
  const { status } = await rig.job('update');
  expect(status).toMatchObject({ phase: 'Completed', counts: { confirmed: 6, pending: 0 } });
  expect(rig.boards.map(({ version, confirmed }) => ({ version, confirmed }))).toEqual(
    rig.boards.map(() => ({ version: '2.0.0', confirmed: true })),
  );
  await rig.stop();
});
