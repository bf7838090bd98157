import { expect, test } from 'vitest';
import { deltaBaseOf } from '../../src/delta/delta-file.ts';
import type { Delivery } from '../../src/kube/device.ts';
import { DELTA_TYPE } from '../../src/oci/delta-layer.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { pushDelta } from '../../src/oci/push-delta.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { boards, firmware, Rig, type RigOptions } from './rig.ts';

const MINUTE = 60_000;
const WITH_DELTA = [firmware('thermo:1.0.0'), { ...firmware('thermo:2.0.0'), deltaFrom: ['thermo:1.0.0'] }];
const IMAGE_BYTES = 40_000;
const BOARDS = 6;

/** `registry` with every blob passed through `see`. */
const seen = (registry: Registry, see: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>): Registry =>
  new Proxy(registry, {
    get: (target, name) => {
      if (name === 'blob')
        return async (...args: Parameters<Registry['blob']>) => see(await target.blob(...args));
      const member = target[name as keyof Registry];
      return (...args: never[]) => (member as (...args: never[]) => unknown).apply(target, args);
    },
  });

/** Two boards of each chip are told to take thermo:2.0.0; what became of them. */
async function flash(
  options: Partial<RigOptions> & {
    readonly before?: (rig: Rig) => Promise<void>;
    readonly during?: (rig: Rig) => void;
  },
) {
  const rig = new Rig({ boards: boards(BOARDS), firmware: WITH_DELTA, ...options });
  await rig.start();
  await options.before?.(rig);
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  await rig.createJob('update', {
    firmware: 'registry.local/thermo:2.0.0',
    version: '2.0.0',
    uuid: rig.boards.map(({ deviceId }) => deviceId),
    deviceDeadline: '20m',
  });
  options.during?.(rig);
  await rig.until(
    'the job is over',
    async () => ((await rig.job('update')).status?.counts?.pending ?? 1) === 0,
    30 * MINUTE,
  );
  const { status } = await rig.job('update');
  const deliveries: Delivery[] = [];
  for (const { name } of rig.boards) {
    const delivery = (await rig.device(name)).status?.update?.delivery;
    if (delivery !== undefined) deliveries.push(delivery);
  }
  await rig.stop();
  expect(deliveries).toHaveLength(BOARDS);
  return { rig, counts: status?.counts, deliveries };
}

test('devices that run a base get the delta alone, and each patch leaves the registry once', async () => {
  const blobs: number[] = [];
  const registryOf = (registry: Registry) =>
    seen(registry, (bytes) => {
      blobs.push(bytes.length);
      return bytes;
    });
  const { counts, deliveries, rig } = await flash({ registryOf });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const delivery of deliveries) {
    expect(delivery).toMatchObject({ imageBytes: 0, deltaFrom: expect.stringMatching(/^sha256:/) });
    expect(delivery.deltaBytes).toBeGreaterThan(0);
    expect(delivery.deltaBytes).toBeLessThan(IMAGE_BYTES / 10);
    expect(delivery.whyFull).toBeUndefined();
  }
  expect(rig.boards.every(({ version, confirmed }) => version === '2.0.0' && confirmed)).toBe(true);
  // For each of three chips one image and one patch.
  expect(blobs.filter((length) => length >= IMAGE_BYTES)).toHaveLength(3);
  expect(blobs.filter((length) => length < IMAGE_BYTES / 10)).toHaveLength(3);
});

test('a patch flipped on the way is stopped at the layer, and the device gets the image', async () => {
  const registryOf = (registry: Registry) =>
    seen(registry, (bytes) => {
      if (bytes.length > IMAGE_BYTES / 10) return bytes;
      const flipped = Uint8Array.from(bytes);
      flipped[100] = (flipped[100] ?? 0) ^ 1;
      return flipped;
    });
  const { counts, deliveries } = await flash({ registryOf });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes, deltaBytes, whyFull } of deliveries) {
    expect([imageBytes, deltaBytes]).toEqual([IMAGE_BYTES, 0]);
    expect(whyFull).toMatch(/^digest-mismatch at layer: /);
  }
});

test('a device that runs no base gets the image, and its twin says why', async () => {
  const { counts, deliveries } = await flash({
    firmware: [firmware('thermo:1.0.0'), firmware('thermo:2.0.0')],
  });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes, whyFull } of deliveries)
    expect([imageBytes, whyFull?.replace(/[0-9a-f]{64}/, '…')]).toEqual([
      IMAGE_BYTES,
      'the firmware has no delta from sha256:…',
    ]);
});

test('a patch that the device cannot use costs one try: the same session brings the image', async () => {
  const { counts, deliveries, rig } = await flash({
    firmware: [firmware('thermo:1.0.0'), firmware('thermo:2.0.0')],
    before: async (rig) => {
      const source = { registry: rig.ports.registry };
      const [old, wanted] = await Promise.all(
        ['1.0.0', '2.0.0'].map((tag) => resolveFirmware(source, `registry.local/thermo:${tag}`)),
      );
      if (old === undefined || wanted === undefined) throw new Error('no firmware');
      for (const chip of ['esp32', 'esp32s3', 'esp32c3']) {
        const base = deltaBaseOf((await fetchForChip(source, old, chip)).image);
        const firmware = await fetchForChip(source, wanted, chip);
        // Truly from the base and with the right digest, but no patch.
        const bytes = new TextEncoder().encode(
          'not a delta file at all, however often one looks at it'.repeat(2),
        );
        await pushDelta(source.registry, wanted.repository, firmware, {
          bytes,
          from: `sha256:${base?.measurement}`,
          imageDigest: digestOf(firmware.image),
        });
        expect(
          await source.registry.referrers(wanted.repository, firmware.manifestDigest, DELTA_TYPE),
        ).toHaveLength(1);
      }
    },
  });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes, deltaBytes, whyFull } of deliveries) {
    expect([imageBytes, deltaBytes]).toEqual([IMAGE_BYTES, 108]);
    expect(whyFull).toMatch(/^bad-magic at device: /);
  }
  const begins = rig.events.filter(({ kind }) => kind === 'write-begin');
  expect(begins).toHaveLength(2 * BOARDS);
  expect(new Set(begins.map((event) => 'session' in event && event.session)).size).toBe(BOARDS);
});

test('an agent killed while patches are on their way is followed by one that carries them on', async () => {
  let kills = 0;
  const killLater = (rig: Rig): void => {
    if (rig.events.some(({ kind }) => kind === 'write-begin')) {
      kills++;
      rig.crashAgent();
    } else rig.clock.after(10, () => killLater(rig));
  };
  const { counts, deliveries } = await flash({ during: killLater });
  expect(kills).toBe(1);
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes } of deliveries) expect(imageBytes).toBe(0);
});

test('a device that every delta makes restart is offered the image alone, after four tries', async () => {
  let seenEvents = 0;
  const resetAtDeltas = (rig: Rig): void => {
    for (const event of rig.events.slice(seenEvents))
      if (event.kind === 'write-begin' && event.deltaFrom !== undefined)
        rig.board(event.board).reset('task-watchdog');
    seenEvents = rig.events.length;
    rig.clock.after(5, () => resetAtDeltas(rig));
  };
  const { counts, deliveries, rig } = await flash({ during: resetAtDeltas });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes, whyFull } of deliveries) {
    expect(imageBytes).toBe(IMAGE_BYTES);
    expect(whyFull).toBe('4 offers with a delta came to nothing');
  }
  const tries = rig.events.filter((event) => event.kind === 'write-begin' && event.deltaFrom !== undefined);
  expect(tries).toHaveLength(4 * BOARDS);
});

test('a patch that never arrives holds a device up for seconds, not for ever', async () => {
  const registryOf = (registry: Registry) =>
    seen(registry, (bytes) => (bytes.length > IMAGE_BYTES / 10 ? bytes : new Promise(() => {})));
  const { counts, deliveries } = await flash({ registryOf });
  expect(counts).toMatchObject({ confirmed: BOARDS });
  for (const { imageBytes, whyFull } of deliveries)
    expect([imageBytes, whyFull]).toEqual([IMAGE_BYTES, 'the delta did not arrive within 20 s']);
});
