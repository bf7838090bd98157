import { expect, test } from 'vitest';
import { CONFIGURATION, INSTANCE } from '../../src/kube/akri.ts';
import { EVENT } from '../../src/kube/core.ts';
import { DEVICE, DEVICE_LABEL, type Device } from '../../src/kube/device.ts';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const IMAGES = [firmware('thermo:1.0.0'), firmware('classifier:1.0.0')];

async function running(planned = boards(3)): Promise<Rig> {
  const rig = new Rig({ boards: planned, firmware: IMAGES });
  await rig.start();
  await rig.pass(2 * MINUTE);
  return rig;
}

const condition = ({ status }: Device, type: string) =>
  status?.conditions?.find((candidate) => candidate.type === type);

test('a device is bound to its Instance once it has proved who it is', async () => {
  const rig = await running();
  const { items } = await rig.kube.list(INSTANCE);
  for (const board of rig.boards) {
    const device = await rig.device(board.name);
    const instance = items.find(({ spec }) => spec.brokerProperties?.UEID === device.spec.ueid);
    expect(device.status).toMatchObject({
      online: true,
      station: board.station,
      chip: board.chip,
      configuration: 'thermo',
      instance: { uid: instance?.metadata.uid },
      attested: { application: 'thermo', version: '1.0.0', digest: board.digest, confirmed: true },
    });
    expect(device.metadata.labels).toMatchObject({
      site: 'athens',
      [DEVICE_LABEL.application]: 'thermo',
      [DEVICE_LABEL.chip]: board.chip,
    });
  }
  await rig.stop();
});

test('a clone is recorded as an impostor of the device, whichever of the two is seen first', async () => {
  const [first, second, third] = boards(3);
  if (first === undefined || second === undefined || third === undefined) throw new Error('three boards');
  for (const clone of [
    { ...second, identity: 'cloned', clones: first.name } as const,
    { ...first, identity: 'cloned', clones: second.name } as const,
  ]) {
    const genuine = clone.name === second.name ? first : second;
    const rig = await running(
      [first, second, third].map((board) => (board.name === clone.name ? clone : board)),
    );
    const device = await rig.device(genuine.name);
    expect(condition(device, 'Attested')?.status).toBe('True');
    expect(device.status?.station).toBe(rig.board(genuine.name).station);
    expect(device.status?.impostors).toMatchObject([
      { station: rig.board(clone.name).station, code: 'cloned-identity' },
    ]);
    expect(condition(device, 'Impersonated')).toMatchObject({ status: 'True', reason: 'ClonedIdentity' });
    const events = (await rig.kube.list(EVENT)).items.filter(({ reason }) => reason === 'Impersonated');
    expect(events).toMatchObject([{ type: 'Warning', involvedObject: { name: device.metadata.name } }]);
    await rig.stop();
  }
});

for (const [identity, code, said] of [
  ['forged', 'BadSignature', 'bad-signature: device '],
  ['replayed', 'NonceMismatch', 'nonce-mismatch: device '],
] as const)
  test(`${identity} evidence is refused with the reason, and nothing is sent to the device`, async () => {
    const [first, ...others] = boards(3);
    if (first === undefined) throw new Error('a board');
    const rig = await running([{ ...first, identity }, ...others]);
    const device = await rig.device(first.name);
    expect(condition(device, 'Attested')).toMatchObject({ status: 'False', reason: code });
    expect(device.status?.attested).toBeUndefined();
    await rig.createJob('update', {
      uuid: rig.boards.map(({ deviceId }) => deviceId),
      firmware: 'registry.local/classifier:1.0.0',
      version: '1.0.0',
    });
    await rig.until(
      'the job is over',
      async () => (await rig.job('update')).status?.completionTime !== undefined,
      3 * MINUTE,
    );
    const sent = rig.events.filter((event) => event.kind === 'offer' && event.board === first.name);
    expect(sent).toEqual([]);
    const { counts, devices } = (await rig.job('update')).status ?? {};
    expect(counts).toEqual({ confirmed: 2, pending: 0, refused: 1 });
    expect(devices).toMatchObject([{ uuid: device.metadata.name, outcome: 'refused' }]);
    expect(devices?.[0]?.message).toContain(said);
    await rig.stop();
  });

test('a board that nobody enrolled gets a twin, is never flashed, and is attested when it is enrolled', async () => {
  const rig = await running();
  const board = rig.board('board-00000');
  const enrolled = await rig.device(board.name);
  await rig.kube.delete(DEVICE, { namespace: 'default', name: board.deviceId });
  await rig.pass(MINUTE);
  const twin = await rig.device(board.name);
  expect(twin.spec).toEqual({ ueid: enrolled.spec.ueid });
  expect(twin.status).toMatchObject({ online: true, station: board.station });
  expect(condition(twin, 'Attested')).toMatchObject({ status: 'False', reason: 'NotEnrolled' });
  await rig.createJob('update', {
    uuid: [board.deviceId],
    firmware: 'registry.local/classifier:1.0.0',
    version: '1.0.0',
  });
  await rig.pass(MINUTE);
  expect((await rig.job('update')).status?.counts).toEqual({ pending: 0, refused: 1 });
  await rig.kube.patch(
    DEVICE,
    { namespace: 'default', name: board.deviceId },
    {
      type: 'merge',
      body: { spec: { udsPublicKey: enrolled.spec.udsPublicKey } },
    },
  );
  await rig.pass(MINUTE);
  expect(condition(await rig.device(board.name), 'Attested')?.status).toBe('True');
  await rig.stop();
});

test('a device that changes its application moves to another Configuration and stays the same device', async () => {
  const rig = await running();
  const board = rig.board('board-00001');
  const before = await rig.device(board.name);
  await rig.createJob('repurpose', {
    uuid: [board.deviceId],
    firmware: 'registry.local/classifier:1.0.0',
    version: '1.0.0',
    applicationType: 'classifier',
  });
  await rig.pass(3 * MINUTE);
  const after = await rig.device(board.name);
  expect(after.metadata.uid).toBe(before.metadata.uid);
  expect(after.status?.configuration).toBe('classifier');
  expect(after.status?.instance?.uid).not.toBe(before.status?.instance?.uid);
  expect(after.metadata.labels?.[DEVICE_LABEL.application]).toBe('classifier');
  expect(condition(after, 'Attested')?.status).toBe('True');
  expect(after.status?.impostors ?? []).toEqual([]);
  await rig.stop();
});

test('a device that no discovery lists goes offline after a while, and is never deleted', async () => {
  const rig = await running();
  await rig.kube.delete(CONFIGURATION, { namespace: 'default', name: 'thermo' });
  await rig.pass(MINUTE);
  expect((await rig.kube.list(INSTANCE)).items).toEqual([]);
  expect((await rig.device('board-00000')).status?.online).toBe(true);
  await rig.pass(10 * MINUTE);
  const device = await rig.device('board-00000');
  expect(device.status?.online).toBe(false);
  expect(condition(device, 'Online')).toMatchObject({ status: 'False', reason: 'NotDiscovered' });
  await rig.stop();
});

test('a device that was given up as unreachable is asked again when it is back', async () => {
  const rig = await running();
  const board = rig.board('board-00000');
  board.cutPower();
  await rig.createJob('update', {
    uuid: [board.deviceId],
    firmware: 'registry.local/classifier:1.0.0',
    version: '1.0.0',
    deviceDeadline: '5m',
  });
  await rig.pass(10 * MINUTE);
  const lost = await rig.device(board.name);
  expect(lost.status?.update?.outcome).toBe('unreachable');
  board.powerOn();
  await rig.pass(30 * MINUTE);
  const found = await rig.device(board.name);
  expect((found.status?.attestedAt ?? '') > (lost.status?.attestedAt ?? '')).toBe(true);
  await rig.stop();
});
