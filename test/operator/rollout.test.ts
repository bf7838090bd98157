import { expect, test } from 'vitest';
import { FIRMWARE_ROLLOUT, type FirmwareRollout } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, JOB_LABEL } from '../../src/kube/flash-job.ts';
import { boards, firmware, Rig, type RigOptions } from './rig.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const IMAGES = [
  firmware('thermo:1.0.0'),
  firmware('thermo:2.0.0', { kind: 'crash', afterMs: 2_000 }, { chip: 'esp32s3' }),
  firmware('thermo:2.0.1'),
];
const SPEC = {
  selector: { matchLabels: { site: 'athens' } },
  waves: [{ percent: 10 }, { percent: 50 }, { percent: 100 }],
  gate: { minSamples: 3, minSuccessPercent: 90, bakeTime: '5m' },
} as const;
const REVERT = { action: 'revert', revertTo: 'registry.local/thermo:1.0.0' } as const;
const GOOD = 'registry.local/thermo:2.0.1';
const BAD = 'registry.local/thermo:2.0.0';

async function fleet(count: number, options: Partial<RigOptions> = {}): Promise<Rig> {
  const rig = new Rig({ boards: boards(count), firmware: IMAGES, ...options });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  return rig;
}

async function finish(
  rig: Rig,
  name: string,
  withinMs = 3 * HOUR,
): Promise<NonNullable<FirmwareRollout['status']>> {
  await rig.until(
    `${name} is over`,
    async () => (await rig.rollout(name)).status?.completionTime !== undefined,
    withinMs,
  );
  return (await rig.rollout(name)).status ?? {};
}

const condition = (status: FirmwareRollout['status'], type: string): string | undefined =>
  status?.conditions?.find((candidate) => candidate.type === type)?.status;
const versions = (rig: Rig): string[] => [...new Set(rig.boards.map(({ version }) => version))].sort();
const firstWrites = (rig: Rig): Map<string, number> => {
  const found = new Map<string, number>();
  for (const event of rig.events)
    if (event.kind === 'write-begin' && !found.has(event.board)) found.set(event.board, event.atMs);
  return found;
};

test('a good build reaches the fleet wave by wave, each after the bake time of the one before', async () => {
  const rig = await fleet(30);
  await rig.createRollout('thermo', { ...SPEC, firmware: GOOD });
  const status = await finish(rig, 'thermo');
  expect(status).toMatchObject({ phase: 'Completed', counts: { confirmed: 30, pending: 0 } });
  expect(status.waves?.map(({ devices, gate }) => [devices, gate])).toEqual([
    [3, 'Passed'],
    [12, 'Passed'],
    [15, 'Passed'],
  ]);
  expect(versions(rig)).toEqual(['2.0.1']);
  const writes = [...firstWrites(rig).values()].sort((a, b) => a - b);
  const confirms = rig.events.filter(({ kind }) => kind === 'confirm').map(({ atMs }) => atMs);
  for (const size of [3, 15]) {
    const waveDone = Math.max(...confirms.slice(0, size));
    expect(writes[size]).toBeGreaterThanOrEqual(waveDone + 5 * MINUTE);
  }
  await rig.stop();
});

test('a build that crashes stops at the canary, and what was updated is put back', async () => {
  const rig = await fleet(60);
  await rig.createRollout('thermo', { ...SPEC, firmware: BAD, failurePolicy: REVERT });
  const status = await finish(rig, 'thermo');
  expect(status.phase).toBe('Aborted');
  expect(condition(status, 'Aborted')).toBe('True');
  expect(condition(status, 'Reverted')).toBe('True');
  expect(status.waves?.[0]).toMatchObject({ gate: 'Failed', devices: 6, pending: 0 });
  expect(versions(rig)).toEqual(['1.0.0']);
  expect(firstWrites(rig).size).toBe(6);
  expect(status.failures?.every(({ outcome }) => outcome === 'rolled-back')).toBe(true);
  const { items } = await rig.kube.list(FLASH_JOB);
  const reverted = items.filter(({ metadata }) => metadata.labels?.[JOB_LABEL.purpose] === 'revert');
  const selfReverted = new Set(status.failures?.map(({ device }) => device));
  expect(reverted.flatMap(({ spec }) => spec.uuid).filter((id) => selfReverted.has(id))).toEqual([]);

  await rig.createRollout('repair', { ...SPEC, firmware: GOOD, failurePolicy: REVERT });
  expect(await finish(rig, 'repair')).toMatchObject({ phase: 'Completed', counts: { confirmed: 60 } });
  expect(versions(rig)).toEqual(['2.0.1']);
  await rig.stop();
});

test('hold leaves devices as they are', async () => {
  const rig = await fleet(30);
  await rig.createRollout('thermo', { ...SPEC, firmware: BAD, failurePolicy: { action: 'hold' } });
  const status = await finish(rig, 'thermo');
  expect(status.phase).toBe('Aborted');
  expect(versions(rig)).toEqual(['1.0.0', '2.0.0']);
  await rig.pass(HOUR);
  expect(versions(rig)).toEqual(['1.0.0', '2.0.0']);
  await rig.stop();
});

test('maxFailures stops in the middle of a wave and cancels what has not begun', async () => {
  const rig = await fleet(60);
  await rig.createRollout('thermo', {
    ...SPEC,
    waves: [{ percent: 100 }],
    gate: { minSuccessPercent: 1 },
    firmware: BAD,
    failurePolicy: { ...REVERT, maxFailures: 2 },
    maxUnavailable: 6,
    batchSize: 6,
  });
  const status = await finish(rig, 'thermo');
  expect(status.conditions?.find(({ type }) => type === 'Aborted')?.reason).toBe('TooManyFailures');
  expect(firstWrites(rig).size).toBeLessThan(30);
  expect(versions(rig)).toEqual(['1.0.0']);
  await rig.stop();
});

test('never more devices are in update than maxUnavailable allows', async () => {
  const rig = await fleet(40);
  await rig.createRollout('thermo', { ...SPEC, firmware: GOOD, maxUnavailable: 5, batchSize: 3 });
  let most = 0;
  const updating = new Set<string>();
  await finish(rig, 'thermo', 6 * HOUR);
  for (const event of rig.events) {
    if (event.kind === 'write-begin') updating.add(event.board);
    if (event.kind === 'confirm') updating.delete(event.board);
    most = Math.max(most, updating.size);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(5);
  expect(versions(rig)).toEqual(['2.0.1']);
  await rig.stop();
});

test('a paused rollout starts nothing and goes on where it was', async () => {
  const rig = await fleet(30);
  await rig.createRollout('thermo', { ...SPEC, firmware: GOOD, paused: true });
  await rig.pass(30 * MINUTE);
  expect(firstWrites(rig).size).toBe(0);
  expect((await rig.rollout('thermo')).status).toMatchObject({ phase: 'Paused' });
  const key = { namespace: 'default', name: 'thermo' };
  await rig.kube.patch(FIRMWARE_ROLLOUT, key, { type: 'merge', body: { spec: { paused: false } } });
  expect(await finish(rig, 'thermo')).toMatchObject({ phase: 'Completed' });
  await rig.stop();
});

test('an operator that dies every half minute brings the same rollout to the same end', async () => {
  const rig = await fleet(30);
  await rig.createRollout('thermo', { ...SPEC, firmware: BAD, failurePolicy: REVERT });
  for (let death = 0; death < 12; death++) {
    await rig.pass(7_000 + death * 1_500);
    rig.crashOperator();
    await rig.pass(2_000);
    rig.startOperator();
  }
  const status = await finish(rig, 'thermo');
  expect(condition(status, 'Reverted')).toBe('True');
  expect(versions(rig)).toEqual(['1.0.0']);
  expect(rig.events.some((event) => event.kind === 'offer' && event.busy)).toBe(false);
  await rig.stop();
});

test('a tag that moves in the middle changes nothing: every wave gets what the first one got', async () => {
  const rig = await fleet(30);
  await rig.createRollout('thermo', { ...SPEC, firmware: GOOD });
  await rig.pass(2 * MINUTE);
  const { registry } = rig.ports;
  const moved = { host: 'registry.local', name: 'thermo', tag: '2.0.1' };
  const other = await registry.resolve({ ...moved, tag: '2.0.0' });
  await registry.putManifest(moved, await registry.manifest(moved, other.digest));
  expect(await finish(rig, 'thermo')).toMatchObject({ phase: 'Completed' });
  expect(versions(rig)).toEqual(['2.0.1']);
  await rig.stop();
});

test.each([
  ['waves that do not end at 100', { waves: [{ percent: 10 }] }, 'spec.waves'],
  ['waves that do not rise', { waves: [{ percent: 50 }, { percent: 50 }, { percent: 100 }] }, 'spec.waves'],
  ['a revert to nothing', { failurePolicy: { action: 'revert' as const } }, 'spec.failurePolicy.revertTo'],
])('a rollout with %s is refused when it is applied', async (_title, wrong, field) => {
  const rig = await fleet(1);
  const created = rig.createRollout('wrong', { ...SPEC, firmware: GOOD, ...wrong });
  await expect(created).rejects.toMatchObject({ reason: 'Invalid', details: { causes: [{ field }] } });
  await rig.stop();
});

test('a rollout says why it does not move', async () => {
  const rig = await fleet(3);
  const says = async (name: string): Promise<string | undefined> => {
    await rig.pass(30_000);
    return (await rig.rollout(name)).status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
  };
  await rig.createRollout('nobody', { ...SPEC, selector: { matchLabels: { site: 'mars' } }, firmware: GOOD });
  await rig.createRollout('frozen', { ...SPEC, maxUnavailable: 0, firmware: GOOD });
  await rig.createRollout('missing', { ...SPEC, firmware: 'registry.local/thermo:7.0.0' });
  expect(await says('nobody')).toBe('NoDevices');
  expect(await says('frozen')).toBe('InvalidSpec');
  expect(await says('missing')).toBe('FirmwareUnresolved');
  expect(firstWrites(rig).size).toBe(0);
  await rig.stop();
});
