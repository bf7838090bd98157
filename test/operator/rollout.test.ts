import { expect, test } from 'vitest';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('a canary that crashes stops the rollout, and what was updated is put back', async () => {
  const rig = new Rig({
    boards: boards(60),
    firmware: [
      firmware('thermo:1.0.0'),
      firmware('thermo:2.0.0', { kind: 'crash', afterMs: 2_000 }, { chip: 'esp32s3' }),
      firmware('thermo:2.0.1'),
    ],
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const spec = {
    selector: { matchLabels: { site: 'athens' } },
    waves: [{ percent: 10 }, { percent: 50 }, { percent: 100 }],
    gate: { minSamples: 3, minSuccessPercent: 90, bakeTime: '5m' },
    failurePolicy: { action: 'revert', revertTo: 'registry.local/thermo:1.0.0' },
  } as const;
  await rig.createRollout('thermo-2', { ...spec, firmware: 'registry.local/thermo:2.0.0' });
  await rig.until(
    'the rollout is over',
    async () => (await rig.rollout('thermo-2')).status?.completionTime !== undefined,
    2 * HOUR,
  );
  const { status } = await rig.rollout('thermo-2');
  console.log(JSON.stringify(status, null, 1));
  expect(status?.phase).toBe('Aborted');
  expect(new Set(rig.boards.map(({ version }) => version))).toEqual(new Set(['1.0.0']));

  await rig.createRollout('thermo-201', { ...spec, firmware: 'registry.local/thermo:2.0.1' });
  await rig.until(
    'the second rollout is over',
    async () => (await rig.rollout('thermo-201')).status?.completionTime !== undefined,
    2 * HOUR,
  );
  const second = await rig.rollout('thermo-201');
  console.log(second.status?.message, rig.clock.nowMs / 60000);
  expect(second.status).toMatchObject({ phase: 'Completed', counts: { confirmed: 60, pending: 0 } });
  expect(new Set(rig.boards.map(({ version }) => version))).toEqual(new Set(['2.0.1']));
  console.log(rig.operator?.metrics());
  await rig.stop();
});
