import { expect, test } from 'vitest';
import { BROKER_PROPERTY, INSTANCE } from '../../src/kube/akri.ts';
import { EVENT, POD, SERVICE } from '../../src/kube/core.ts';
import { DEVICE } from '../../src/kube/device.ts';
import { KubeError } from '../../src/kube/error.ts';
import { FLASH_JOB, FLASH_JOB_FINALIZER } from '../../src/kube/flash-job.ts';
import { chance, SeededRandom } from '../../src/random/random.ts';
import { boards, firmware, Rig, type RigOptions } from './rig.ts';

const MINUTE = 60_000;
const IMAGES = [firmware('thermo:1.0.0'), firmware('thermo:2.0.0'), firmware('classifier:1.0.0')];
const V2 = { firmware: 'registry.local/thermo:2.0.0', version: '2.0.0' };
const KEY = { namespace: 'default', name: 'update' };

async function running(options: Partial<RigOptions> = {}): Promise<Rig> {
  const rig = new Rig({ boards: boards(3), firmware: IMAGES, ...options });
  await rig.start();
  return rig;
}

const ids = (rig: Rig): string[] => rig.boards.map(({ deviceId }) => deviceId);
const isOver = async (rig: Rig, name = 'update'): Promise<boolean> =>
  (await rig.job(name)).status?.completionTime !== undefined;
const writes = (rig: Rig): number => rig.events.filter(({ kind }) => kind === 'write-begin').length;

test('a job brings its devices to the image and says so with what they attested', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  const { status } = await rig.job('update');
  expect(status).toMatchObject({ phase: 'Completed', counts: { confirmed: 3, pending: 0 } });
  expect(status?.conditions?.map(({ type, status: is }) => `${type} ${is}`).sort()).toEqual([
    'Complete True',
    'Failed False',
    'FirmwareResolved True',
  ]);
  for (const board of rig.boards) {
    expect(board).toMatchObject({ version: '2.0.0', confirmed: true });
    const { attested, update } = (await rig.device(board.name)).status ?? {};
    expect(attested).toMatchObject({ digest: board.digest, version: '2.0.0', confirmed: true });
    expect(update).toMatchObject({
      phase: 'Settled',
      outcome: 'confirmed',
      attempts: 1,
      digest: board.digest,
    });
  }
  await rig.pass(10_000);
  expect((await rig.kube.list(POD)).items).toEqual([]);
  expect((await rig.kube.list(SERVICE, { labelSelector: 'app=flash-agent' })).items).toEqual([]);
  await rig.stop();
});

test('a device that restarts over the first question is heard when it is asked again', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  const [board] = rig.boards;
  if (board === undefined) throw new Error('the rig has no boards');
  const claimed = async (): Promise<boolean> =>
    (await rig.device(board.name)).status?.update?.phase === 'Claimed';
  while (!(await claimed())) await rig.pass(20);
  board.reset('brown-out');
  await rig.until('the job is over', () => isOver(rig), 5 * MINUTE);
  expect((await rig.job('update')).status).toMatchObject({ counts: { confirmed: 3, pending: 0 } });
  await rig.stop();
});

test('an unchanged manifest works: ids of Instances, nulls, a Pod image of its own', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const { items } = await rig.kube.list(INSTANCE);
  const target = items.find(({ spec }) => spec.brokerProperties?.[BROKER_PROPERTY.device] === 'esp32');
  const uid = target?.metadata.uid ?? '';
  await rig.kube.create(FLASH_JOB, {
    apiVersion: FLASH_JOB.apiVersion,
    kind: FLASH_JOB.kind,
    metadata: KEY,
    spec: {
      ...V2,
      uuid: [uid],
      device: 'esp32',
      hostEndpoint: null,
      applicationType: 'thermo',
      externalIP: null,
      flashjobPodImage: 'registry.local/esp32-flashjob:local',
    } as never,
  });
  await rig.until('its Pod is there', async () => (await rig.kube.list(POD)).items.length > 0, MINUTE);
  const [pod] = (await rig.kube.list(POD)).items;
  expect(pod?.metadata.name).toBe('update-flash');
  expect(pod?.spec.containers[0]).toMatchObject({ image: 'registry.local/esp32-flashjob:local' });
  expect(pod?.spec.containers[0]?.env?.map(({ name }) => name)).toEqual([
    'FIRMWARE',
    'UUID',
    'HOST_ENDPOINT',
    'DEVICE',
    'APPLICATION_TYPE',
    'VERSION',
    'EXTERNAL_IP',
    'FLASHJOB_NAME',
    'FLASHJOB_NAMESPACE',
  ]);
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  expect((await rig.job('update')).status).toMatchObject({ phase: 'Completed', completedUUIDs: [uid] });
  await rig.stop();
});

test('ids that nobody has, chips that do not fit and applications that differ end with their own outcomes', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const nobody = '00000000-0000-4000-8000-000000000000';
  await rig.createJob('update', { ...V2, uuid: [...ids(rig), nobody], device: 'esp32s3' });
  await rig.createJob('other', { ...V2, uuid: ids(rig), applicationType: 'classifier' });
  for (const name of ['update', 'other']) await rig.until('over', () => isOver(rig, name), 10 * MINUTE);
  const { status } = await rig.job('update');
  expect(status).toMatchObject({
    phase: 'Failed',
    counts: { confirmed: 1, incompatible: 2, 'unknown-device': 1, pending: 0 },
  });
  expect(status?.devices?.find(({ uuid }) => uuid === nobody)).toMatchObject({ outcome: 'unknown-device' });
  const other = (await rig.job('other')).status;
  // The board that `update` flashed was busy first and is judged afterwards, by the same rule.
  expect(other?.counts).toMatchObject({ incompatible: 3, pending: 0 });
  expect(writes(rig)).toBe(1);
  await rig.stop();
});

test('a firmware that is not in the registry fails every device by name and sends nothing', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { uuid: ids(rig), firmware: 'registry.local/thermo:9.9.9', version: '9' });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  const { status } = await rig.job('update');
  expect(status).toMatchObject({ phase: 'Failed', counts: { 'bad-image': 3 } });
  expect(status?.conditions?.find(({ type }) => type === 'FirmwareResolved')).toMatchObject({
    status: 'False',
    reason: 'NotFound',
  });
  expect(writes(rig)).toBe(0);
  await rig.stop();
});

test('a device that runs the image already is confirmed without being flashed', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    uuid: ids(rig),
    firmware: 'registry.local/thermo:1.0.0',
    version: '1.0.0',
  });
  await rig.until('the job is over', () => isOver(rig), MINUTE);
  expect((await rig.job('update')).status).toMatchObject({ phase: 'Completed', counts: { confirmed: 3 } });
  expect(writes(rig)).toBe(0);
  await rig.stop();
});

test('a device that is off is unreachable when its time is up, and the others are not kept waiting', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  rig.boards[0]?.cutPower();
  await rig.createJob('update', { ...V2, uuid: ids(rig), deviceDeadline: '10m' });
  await rig.until('the job is over', () => isOver(rig), 12 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ confirmed: 2, pending: 0, unreachable: 1 });
  await rig.stop();
});

test('a device that is discovered only after its job began is flashed', async () => {
  const rig = await running();
  const late = rig.board('board-00001');
  late.cutPower();
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.pass(3 * MINUTE);
  late.powerOn();
  await rig.until('the job is over', () => isOver(rig), 5 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ confirmed: 3, pending: 0 });
  await rig.stop();
});

test('a device that left questions unanswered is heard as soon as it answers one', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  for (const link of rig.links.values()) link.partition();
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.pass(4 * MINUTE);
  for (const link of rig.links.values()) link.heal();
  await rig.until('the job is over', () => isOver(rig), 2 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ confirmed: 3, pending: 0 });
  await rig.stop();
});

test('an image that never confirms is told to restart at the deadline, and its bootloader takes it back', async () => {
  const never = firmware('thermo:2.0.0', { kind: 'never-confirm' });
  const rig = await running({ firmware: [firmware('thermo:1.0.0'), never] });
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig), deviceDeadline: '5m' });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ pending: 0, 'rolled-back': 3 });
  expect(rig.boards.map(({ version, confirmed }) => [version, confirmed])).toEqual(
    rig.boards.map(() => ['1.0.0', true]),
  );
  await rig.stop();
});

test('two jobs for the same devices never flash one at the same time', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.createJob('other', {
    uuid: ids(rig),
    firmware: 'registry.local/classifier:1.0.0',
    version: '1.0.0',
  });
  for (const name of ['update', 'other']) await rig.until('over', () => isOver(rig, name), 30 * MINUTE);
  expect((await rig.job('update')).status?.counts).toMatchObject({ confirmed: 3 });
  expect((await rig.job('other')).status?.counts).toMatchObject({ confirmed: 3 });
  expect(rig.events.some((event) => event.kind === 'offer' && event.busy)).toBe(false);
  await rig.stop();
});

test('a deleted job lets its devices go before it goes itself', async () => {
  const rig = await running({
    boards: boards(3, { link: { latencyMs: 20, jitterMs: 0, loss: 0, bandwidthBitsPerSecond: 20_000 } }),
  });
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.until('a device is being written', async () => writes(rig) > 0, MINUTE);
  expect((await rig.job('update')).metadata.finalizers).toEqual([FLASH_JOB_FINALIZER]);
  await rig.kube.delete(FLASH_JOB, KEY);
  await rig.until('the job is gone', async () => (await rig.kube.list(FLASH_JOB)).items.length === 0, MINUTE);
  for (const { status } of (await rig.kube.list(DEVICE)).items)
    expect(status?.update?.phase ?? 'Settled').toBe('Settled');
  expect((await rig.kube.list(POD)).items).toEqual([]);
  await rig.createJob('other', { ...V2, uuid: ids(rig) });
  await rig.until('another job takes them', () => isOver(rig, 'other'), 20 * MINUTE);
  expect((await rig.job('other')).status?.counts).toMatchObject({ confirmed: 3 });
  await rig.stop();
});

test('a job whose order changes starts anew with the new one', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig).slice(0, 1) });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  await rig.kube.patch(FLASH_JOB, KEY, { type: 'merge', body: { spec: { uuid: ids(rig).slice(1) } } });
  await rig.until(
    'the second batch is through',
    async () => {
      const { status } = await rig.job('update');
      return status?.phase === 'Completed' && status.counts?.confirmed === 2;
    },
    10 * MINUTE,
  );
  expect(rig.boards.map(({ version }) => version)).toEqual(['2.0.0', '2.0.0', '2.0.0']);
  expect(writes(rig)).toBe(3);
  await rig.stop();
});

test('a cancelled job finishes what it began and starts nothing else', async () => {
  const rig = await running({ boards: boards(6) });
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig), parallelism: 1 });
  await rig.until('a device is being written', async () => writes(rig) > 0, MINUTE);
  await rig.kube.patch(FLASH_JOB, KEY, { type: 'merge', body: { spec: { cancelled: true } } });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ cancelled: 5, confirmed: 1, pending: 0 });
  expect(writes(rig)).toBe(1);
  await rig.stop();
});

test('an agent that is killed is replaced, and no device is flashed twice', async () => {
  const rig = await running({
    boards: boards(3, { link: { latencyMs: 20, jitterMs: 0, loss: 0, bandwidthBitsPerSecond: 50_000 } }),
  });
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  for (let kill = 0; kill < 4; kill++) {
    await rig.pass(4_000);
    await rig.kube.delete(POD, { namespace: 'default', name: 'update-flash' }).catch(() => {});
  }
  await rig.until('the job is over', () => isOver(rig), 20 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ confirmed: 3, pending: 0 });
  expect(rig.events.some((event) => event.kind === 'offer' && event.busy)).toBe(false);
  for (const { name } of rig.boards)
    expect(
      rig.events.filter(
        (event) => event.kind === 'write-end' && event.board === name && event.result === 'written',
      ),
    ).toHaveLength(1);
  await rig.stop();
});

test('an API server that fails a third of all writes only makes a job slower', async () => {
  const random = SeededRandom.ofSeed(5);
  const rig = await running({
    intercept: (verb, _kind, _key, user) => {
      if (user !== 'brickproof-operator' || verb === 'watch' || !chance(random, 0.33)) return undefined;
      const error =
        verb === 'get' || verb === 'list'
          ? new KubeError('ServiceUnavailable', 'try again')
          : new KubeError('Conflict', 'it has moved on');
      return { error };
    },
  });
  await rig.until('all are attested', () => rig.allAttested(), 10 * MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.until('the job is over', () => isOver(rig), 30 * MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ confirmed: 3, pending: 0 });
  await rig.stop();
});

test('what happened to a job can be read from its events', async () => {
  const rig = await running();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', { ...V2, uuid: ids(rig) });
  await rig.until('the job is over', () => isOver(rig), 10 * MINUTE);
  const events = (await rig.kube.list(EVENT)).items.filter(
    ({ involvedObject }) => involvedObject.name === 'update',
  );
  expect(events.map(({ type, reason }) => `${type} ${reason}`).sort()).toEqual([
    'Normal Completed',
    'Normal Started',
  ]);
  await rig.stop();
});
