import { expect, test } from 'vitest';
import { DEVICE } from '../../src/kube/device.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { encodeManifest, type ImageIndex, parseManifest } from '../../src/oci/manifest.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const HOST = { host: 'registry.local', name: 'thermo' };

/** The index of several tags in one, as `firmware pack` makes it of images that different keys signed. */
async function indexOf(registry: Registry, tags: readonly string[]): Promise<ImageIndex> {
  const indexes = await Promise.all(
    tags.map(async (tag) => {
      const { digest, mediaType } = await registry.resolve({ ...HOST, tag });
      const parsed = parseManifest((await registry.manifest(HOST, digest)).bytes, mediaType);
      if (!parsed.ok || parsed.value.kind !== 'index') throw new Error(`${tag} is no index`);
      return parsed.value;
    }),
  );
  const [first] = indexes;
  if (first === undefined) throw new Error('no tags');
  return { ...first, manifests: indexes.flatMap(({ manifests }) => manifests) };
}

/** Two boards with secure boot, one for each of two keys, and firmware that has an image for either. */
async function start() {
  const [board] = boards(1, { secureBoot: ['spring'] });
  const [other] = boards(1, { secureBoot: ['autumn'], name: 'board-00001', runs: 'thermo:autumn' });
  if (board === undefined || other === undefined) throw new Error('no boards');
  const rig = new Rig({
    boards: [board, other],
    firmware: [
      { ...firmware('thermo:1.0.0'), imageSignedBy: 'spring' },
      { ...firmware('thermo:autumn'), imageSignedBy: 'autumn' },
      { ...firmware('thermo:2.0.0'), imageSignedBy: 'spring' },
      { ...firmware('thermo:2.0.0-autumn'), imageSignedBy: 'autumn' },
    ],
  });
  await rig.start();
  const { registry } = rig.ports;
  const index = await indexOf(registry, ['2.0.0', '2.0.0-autumn']);
  const bytes = encodeManifest(index);
  await registry.putManifest({ ...HOST, tag: 'both' }, { mediaType: index.mediaType, bytes });
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const keyIds = ['2.0.0', '2.0.0-autumn'].map(async (tag) => {
    const { manifests } = await indexOf(registry, [tag]);
    const [entry] = manifests.filter(({ platform }) => platform?.architecture === 'esp32');
    return entry?.platform?.['os.features']?.join().replace('key-id=', '') ?? '';
  });
  return { rig, keyIds: await Promise.all(keyIds), digest: digestOf(bytes) };
}

async function outcomes(rig: Rig, digest: Digest): Promise<readonly string[]> {
  await rig.createJob('update', {
    firmware: `registry.local/thermo@${digest}`,
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
  await rig.stop();
  return (
    status?.devices?.map(({ outcome, message }) => `${outcome}: ${message}`) ?? [
      `${status?.counts?.confirmed}`,
    ]
  );
}

test('boards of two key batches get each the image that their key signed', async () => {
  const { rig, keyIds, digest } = await start();
  expect(new Set(keyIds).size).toBe(2);
  for (const [index, { deviceId }] of rig.boards.entries())
    await rig.kube.patch(
      DEVICE,
      { namespace: 'default', name: deviceId },
      { type: 'merge', body: { spec: { hardware: { keyIds: [keyIds[index]] } } } },
    );
  await outcomes(rig, digest);
  expect(rig.boards.map(({ version, confirmed }) => `${version} ${confirmed}`)).toEqual([
    '2.0.0 true',
    '2.0.0-autumn true',
  ]);
});

test('where the twin does not say which, nobody guesses: the board is left as it is, and it says why', async () => {
  const { rig, digest } = await start();
  for (const outcome of await outcomes(rig, digest))
    expect(outcome).toMatch(/^bad-image: .*ambiguous-target at index: .*differ in key-id/);
  expect(rig.boards.map(({ version }) => version)).toEqual(['1.0.0', 'autumn']);
});
