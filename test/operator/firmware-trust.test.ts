import { expect, test } from 'vitest';
import { FLASH_JOB } from '../../src/kube/flash-job.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const SIGNATURES = { keys: ['release', 'stranger'], policy: { thermo: ['release'] } };
const SIGNED = [
  { ...firmware('thermo:1.0.0'), signedBy: 'release' },
  { ...firmware('thermo:2.0.0'), signedBy: 'release' },
];

/** `registry` with some of its answers replaced. */
const altered = (registry: Registry, answers: Partial<Registry>): Registry =>
  new Proxy(registry, {
    get: (target, name) => {
      const answer = answers[name as keyof Registry] ?? target[name as keyof Registry];
      return (...args: never[]) => (answer as (...args: never[]) => unknown).apply(target, args);
    },
  });

/** Three boards, one of each chip, told to take thermo:2.0.0; what became of the job and of the boards. */
async function flash(options: {
  readonly firmware?: typeof SIGNED | ReturnType<typeof firmware>[];
  readonly registryOf?: (registry: Registry) => Registry;
}) {
  const rig = new Rig({
    boards: boards(3),
    firmware: options.firmware ?? SIGNED,
    signatures: SIGNATURES,
    ...(options.registryOf && { registryOf: options.registryOf }),
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    deviceDeadline: '3m',
  });
  await rig.until(
    'the job is over',
    async () => ((await rig.job('update')).status?.counts?.pending ?? 1) === 0,
    20 * MINUTE,
  );
  const { status } = await rig.job('update');
  const offers = rig.events.filter(({ kind }) => kind === 'offer').length;
  await rig.stop();
  const condition = (type: string) => status?.conditions?.find((entry) => entry.type === type);
  const outcomes = status?.devices?.map(({ outcome, message }) => `${outcome}: ${message}`) ?? [];
  return { counts: status?.counts, outcomes, offers, condition };
}

test('firmware signed by a key that may sign it reaches every board, and the job says who signed', async () => {
  const { counts, condition } = await flash({});
  expect(counts).toMatchObject({ confirmed: 3 });
  expect(condition('FirmwareVerified')).toMatchObject({
    status: 'True',
    reason: 'Signed',
    message: expect.stringContaining('signed by release'),
  });
});

test('a wrong signer is stopped at the signature: every device says so, none is offered anything', async () => {
  const { outcomes, offers, condition } = await flash({
    firmware: [firmware('thermo:1.0.0'), { ...firmware('thermo:2.0.0'), signedBy: 'stranger' }],
  });
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) expect(outcome).toMatch(/^bad-image: wrong-signer at signature: /);
  expect(offers).toBe(0);
  expect(condition('FirmwareVerified')).toMatchObject({ status: 'False', reason: 'WrongSigner' });
});

test('a tag moved to what nobody signed is stopped at the signature', async () => {
  const { outcomes, offers } = await flash({
    firmware: [...SIGNED, firmware('thermo:evil')],
    registryOf: (registry) =>
      altered(registry, {
        resolve: (reference) =>
          registry.resolve(reference.tag === '2.0.0' ? { ...reference, tag: 'evil' } : reference),
      }),
  });
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) expect(outcome).toMatch(/^bad-image: unsigned at signature: /);
  expect(offers).toBe(0);
});

test('a tag that moves between two waves moves neither the rollout nor any job of it', async () => {
  let isMoved = false;
  const rig = new Rig({
    boards: boards(6),
    // Signed by the right hand: nothing but the pinned digest is in its way.
    firmware: [...SIGNED, { ...firmware('thermo:other'), signedBy: 'release' }],
    signatures: SIGNATURES,
    registryOf: (registry) =>
      altered(registry, {
        resolve: (reference) =>
          registry.resolve(
            isMoved && reference.digest === undefined ? { ...reference, tag: 'other' } : reference,
          ),
      }),
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createRollout('thermo-2', {
    selector: {},
    firmware: 'registry.local/thermo:2.0.0',
    waves: [{ percent: 50 }, { percent: 100 }],
    gate: { minSamples: 3, bakeTime: '1m' },
  });
  const statusOf = async () => (await rig.rollout('thermo-2')).status;
  await rig.until('three run it', async () => (await statusOf())?.counts?.confirmed === 3, 10 * MINUTE);
  isMoved = true;
  // A new process remembers nothing but what the rollout says.
  rig.crashOperator();
  rig.startOperator();
  await rig.until('it is over', async () => (await statusOf())?.phase === 'Completed', 20 * MINUTE);
  expect(rig.boards.map(({ version }) => version)).toEqual(Array(6).fill('2.0.0'));
  const { items } = await rig.kube.list(FLASH_JOB);
  const digest = (await statusOf())?.firmware?.digest;
  expect(items.map(({ spec, status }) => [spec.firmware, status?.firmware?.digest])).toEqual([
    [`registry.local/thermo:2.0.0@${digest}`, digest],
    [`registry.local/thermo:2.0.0@${digest}`, digest],
  ]);
  await rig.stop();
});

test('a manifest swapped for another genuine one is stopped at the manifest', async () => {
  const { outcomes, offers } = await flash({
    registryOf: (registry) =>
      altered(registry, {
        manifest: async (repository, digest) => {
          const content = await registry.manifest(repository, digest);
          const asked = JSON.parse(new TextDecoder().decode(content.bytes));
          if (asked.manifests !== undefined || asked.subject !== undefined) return content;
          const old = await registry.resolve({ ...repository, tag: '1.0.0' });
          const index = await registry.manifest(repository, old.digest);
          const [entry] = JSON.parse(new TextDecoder().decode(index.bytes)).manifests;
          return registry.manifest(repository, entry.digest);
        },
      }),
  });
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes)
    expect(outcome).toMatch(/^bad-image: .*(size|digest)-mismatch at manifest: /);
  expect(offers).toBe(0);
});

test('a flipped byte is stopped at the layer, and no board hears of the image', async () => {
  const { outcomes, offers } = await flash({
    registryOf: (registry) =>
      altered(registry, {
        blob: async (repository, key, range) => {
          const bytes = Uint8Array.from(await registry.blob(repository, key, range));
          if (bytes.length > 10_000) bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
          return bytes;
        },
      }),
  });
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) expect(outcome).toMatch(/^bad-image: .*digest-mismatch at layer: /);
  expect(offers).toBe(0);
});
