import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { LayoutRegistry } from '../../operator/adapters/registry-layout.ts';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { packFirmware, pushFirmware } from '../../src/oci/pack.ts';
import { referrersContract, registryContract } from '../contract/registry.ts';
import { pushDockerFirmware } from '../oci/docker-image.ts';
import { appImage, packThermo, thermoBuild } from '../oci/fixture.ts';
import { hastyClock } from '../registry/hasty-clock.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';

for (const contract of [registryContract, referrersContract])
  contract("against Debian's docker-registry, with basic authorization", async () => {
    const { host, close } = await startDockerRegistry({ basicAuth: true });
    const credentials = () => ({ username: 'fleet', password: 'orchard' });
    // Small chunks, so that uploads go through sessions of several.
    const registry = new HttpRegistry({ clock: hastyClock(), credentials, chunkBytes: 40_000 });
    return { registry, host, close };
  });

/** Debian's skopeo; fails loudly, with what it said, where it is missing or refuses. */
async function skopeo(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('skopeo', ['--insecure-policy', ...args]);
  return stdout;
}

describe('skopeo carries firmware between registries', () => {
  let ours: RegistryServer;
  let theirs: DockerRegistry;
  let store: RegistryStore;
  const registry = new HttpRegistry({ clock: hastyClock() });
  beforeAll(async () => {
    store = new RegistryStore();
    ours = await serveRegistry(store);
    theirs = await startDockerRegistry({ basicAuth: false });
  });
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]));

  const copy = (from: string, to: string): Promise<string> =>
    skopeo(
      'copy',
      '--all',
      '--preserve-digests',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      `docker://${from}`,
      `docker://${to}`,
    );

  test('our artifact goes from ours to theirs and back, with its digest', async () => {
    const packed = packThermo();
    await pushFirmware(registry, { host: ours.host, name: 'fleet/thermo', tag: '1.0.0' }, packed);
    await copy(`${ours.host}/fleet/thermo:1.0.0`, `${theirs.host}/fleet/thermo:1.0.0`);
    await copy(`${theirs.host}/fleet/thermo:1.0.0`, `${ours.host}/fleet/returned:1.0.0`);
    for (const reference of [`${theirs.host}/fleet/thermo:1.0.0`, `${ours.host}/fleet/returned:1.0.0`]) {
      const resolved = await resolveFirmware({ registry }, reference);
      expect(resolved.digest).toBe(packed.digest);
      const firmware = await fetchForChip({ registry }, resolved, 'esp32s3');
      expect(firmware.meta).toMatchObject({ application: 'thermo', chip: 'esp32s3' });
    }
  });

  test('a target with needs and all its layers survives the way, and so does an image layout', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brickproof-skopeo-'));
    const chips = [{ chip: 'esp32', image: appImage(0), keyId: 'KEY3', flashSizeBytes: 4 << 20 }];
    const sbom = { kind: 'sbom', bytes: new TextEncoder().encode('{"spdxVersion":"SPDX-2.3"}') } as const;
    const packed = packFirmware({
      ...thermoBuild(),
      chips: chips.map((chip) => ({ ...chip, parts: [sbom] })),
    });
    if (!packed.ok) throw new Error(packed.refusal.message);
    const layout = new LayoutRegistry(() => join(folder, 'ours'));
    await pushFirmware(layout, { host: 'layout.invalid', name: 'x', tag: 'v1' }, packed.value);
    const flags = [
      'copy',
      '--all',
      '--preserve-digests',
      '--dest-tls-verify=false',
      '--src-tls-verify=false',
    ];
    const there = `docker://${theirs.host}/fleet/needs:1.0.0`;
    await skopeo(...flags, `oci:${join(folder, 'ours')}:v1`, there);
    await skopeo(...flags, there, `oci:${join(folder, 'back')}:v2`);
    const back = new LayoutRegistry(() => join(folder, 'back'));
    const resolved = await resolveFirmware({ registry: back }, 'layout.invalid/x:v2');
    expect(resolved.digest).toBe(packed.value.digest);
    const target = { chip: 'esp32', keyIds: ['KEY3'], flashSizeBytes: 4 << 20 };
    expect((await fetchForChip({ registry: back }, resolved, target)).meta?.keyId).toBe('KEY3');
    await expect(
      fetchForChip({ registry: back }, resolved, { ...target, keyIds: ['KEY4'] }),
    ).rejects.toMatchObject({ code: 'no-image-for-chip' });
    rmSync(folder, { recursive: true, force: true });
  });

  test('skopeo inspects, lists and deletes on the embedded registry', async () => {
    const packed = packThermo('2.0.0');
    await pushFirmware(registry, { host: ours.host, name: 'fleet/seen', tag: '2.0.0' }, packed);
    const at = `docker://${ours.host}/fleet/seen`;
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `${at}:2.0.0`);
    expect(raw).toBe(new TextDecoder().decode(packed.index.bytes));
    const listed = JSON.parse(await skopeo('list-tags', '--tls-verify=false', at));
    expect(listed.Tags).toEqual(['2.0.0']);
    await skopeo('delete', '--tls-verify=false', `${at}:2.0.0`);
    await expect(
      registry.resolve({ host: ours.host, name: 'fleet/seen', tag: '2.0.0' }),
    ).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('a container image with firmware is read from a registry that skopeo filled', async () => {
    const image = appImage(9, 7000);
    pushDockerFirmware(store, 'nubificus/esp32', '2.0.0', { image });
    await copy(`${ours.host}/nubificus/esp32:2.0.0`, `${theirs.host}/nubificus/esp32:2.0.0`);
    const resolved = await resolveFirmware({ registry }, `${theirs.host}/nubificus/esp32:2.0.0`);
    expect((await fetchForChip({ registry }, resolved, 'esp32s3')).image).toEqual(image);
  });
});
