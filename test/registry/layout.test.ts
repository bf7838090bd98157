import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { LayoutRegistry } from '../../operator/adapters/registry-layout.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { referrersContract, registryContract } from '../contract/registry.ts';
import { packThermo } from '../oci/fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'brickproof-layout-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

for (const contract of [registryContract, referrersContract])
  contract('over image layouts', async () => {
    const folder = mkdtempSync(join(root, 'contract-'));
    const registry = new LayoutRegistry(({ name }) => join(folder, name));
    return { registry, host: 'layout.local', close: async () => {} };
  });

const REFERENCE = { host: 'layout.local', name: 'thermo', tag: '1.0.0' };
let folder = '';
let registry: LayoutRegistry;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'layout-'));
  registry = new LayoutRegistry(() => folder);
});

test('a layout is what the specification says, with nothing half-written in it', async () => {
  const packed = packThermo();
  await pushFirmware(registry, REFERENCE, packed);
  expect(readdirSync(folder).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  expect(JSON.parse(readFileSync(join(folder, 'oci-layout'), 'utf8'))).toEqual({
    imageLayoutVersion: '1.0.0',
  });
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  expect(index.manifests).toMatchObject([
    { digest: packed.digest, annotations: { 'org.opencontainers.image.ref.name': '1.0.0' } },
  ]);
  // Three images, three manifests, the index, the empty config.
  const blobs = readdirSync(join(folder, 'blobs', 'sha256'));
  expect(blobs.filter((name) => /^[0-9a-f]{64}$/.test(name))).toHaveLength(8);
  expect(blobs).toHaveLength(8);
});

test('a layout whose index was tampered with is refused by the place of the fault', async () => {
  await pushFirmware(registry, REFERENCE, packThermo());
  writeFileSync(
    join(folder, 'index.json'),
    '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../etc"}]}',
  );
  await expect(registry.resolve(REFERENCE)).rejects.toMatchObject({
    code: 'malformed',
    message: expect.stringContaining('manifests[0]'),
  });
});
