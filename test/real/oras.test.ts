import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentialsIn } from '../../operator/adapters/registry-credentials.ts';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { LayoutRegistry } from '../../operator/adapters/registry-layout.ts';
import { serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { copyArtifact } from '../../src/oci/copy.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { encodeManifest, type ImageManifest, parseManifest } from '../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { formatReference } from '../../src/oci/reference.ts';
import { appImage, packThermo } from '../oci/fixture.ts';
import { hastyClock } from '../registry/hasty-clock.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { buildOras, runOras } from './oras-peer.ts';

const root = mkdtempSync(join(tmpdir(), 'brickproof-oras-'));
let folders = 0;
const freshFolder = (): string => {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  return folder;
};
beforeAll(() => buildOras(), 600_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const registry = new HttpRegistry({ clock: hastyClock() });

/** A file that points at `subject`, as oras attaches one. */
async function attach(host: string, name: string, subject: Awaited<ReturnType<typeof registry.resolve>>) {
  const repository = { host, name };
  const empty = new TextEncoder().encode('{}');
  const note = new TextEncoder().encode('seen');
  const bytes = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.example.ours',
    config: { mediaType: OCI_EMPTY, digest: await registry.putBlob(repository, empty), size: 2 },
    layers: [{ mediaType: 'text/plain', digest: await registry.putBlob(repository, note), size: 4 }],
    subject,
  });
  const digest = digestOf(bytes);
  await registry.putManifest({ ...repository, digest }, { mediaType: OCI_MANIFEST, bytes });
  return digest;
}

const REGISTRIES = [
  ['the embedded registry', () => serveRegistry(new RegistryStore())],
  ["Debian's docker-registry", () => startDockerRegistry({ basicAuth: false })],
] as const;

describe.each(REGISTRIES)('oras and we, over %s', (_, start) => {
  let server: Awaited<ReturnType<typeof start>>;
  const place = (name: string) => ({ host: server.host, name, tag: '1.0.0' });
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.close());

  test('oras pulls the image of one platform from what we pushed', async () => {
    const folder = freshFolder();
    const reference = place('oras/pulls');
    await pushFirmware(registry, reference, packThermo());
    const platform = ['--platform', 'esp-idf/esp32c3'];
    await runOras(folder, 'pull', '--plain-http', ...platform, formatReference(reference));
    const file = readFileSync(join(folder, 'thermo-1.0.0-esp32c3.bin'));
    expect(Buffer.compare(file, appImage(5, 4096))).toBe(0);
  });

  test('we read what oras pushed, layer by layer, and copy it into a layout that oras reads', async () => {
    const folder = freshFolder();
    const reference = place('oras/pushes');
    writeFileSync(join(folder, 'notes.txt'), 'first line\n');
    const type = ['--artifact-type', 'application/vnd.example.notes'];
    await runOras(
      folder,
      'push',
      '--plain-http',
      ...type,
      formatReference(reference),
      'notes.txt:text/plain',
    );
    const layout = new LayoutRegistry(() => join(folder, 'layout'));
    const to = { registry: layout, reference: { host: 'layout.invalid', name: 'layout', tag: 'x' } };
    const { digest } = await copyArtifact({ registry, reference }, to);
    const { bytes, mediaType } = await layout.manifest(to.reference, digest);
    const parsed = parseManifest(bytes, mediaType);
    const [layer] = parsed.ok ? (parsed.value as ImageManifest).layers : [];
    if (layer === undefined) throw new Error('oras pushed no layer');
    expect(new TextDecoder().decode(await layout.blob(to.reference, layer))).toBe('first line\n');
    const again = freshFolder();
    await runOras(again, 'pull', '--oci-layout', `${join(folder, 'layout')}:x`);
    expect(readFileSync(join(again, 'notes.txt'), 'utf8')).toBe('first line\n');
  });

  test('oras carries our layout to the registry and back into one that we read', async () => {
    const folder = freshFolder();
    const reference = place('oras/carries');
    const ours = new LayoutRegistry(() => join(folder, 'ours'));
    await pushFirmware(ours, { host: 'layout.invalid', name: 'x', tag: 'v1' }, packThermo());
    const there = formatReference(reference);
    await runOras(folder, 'cp', '--from-oci-layout', `${join(folder, 'ours')}:v1`, '--to-plain-http', there);
    await runOras(
      folder,
      'cp',
      '--from-plain-http',
      there,
      '--to-oci-layout',
      `${join(folder, 'theirs')}:v2`,
    );
    const theirs = new LayoutRegistry(() => join(folder, 'theirs'));
    const resolved = await resolveFirmware({ registry: theirs }, 'layout.invalid/x:v2');
    expect(resolved.digest).toBe(packThermo().digest);
    expect((await fetchForChip({ registry: theirs }, resolved, 'esp32')).meta?.version).toBe('1.0.0');
  });

  test('we find what oras attached, oras finds what we attached, and both find both', async () => {
    const folder = freshFolder();
    const reference = place('oras/attaches');
    const there = formatReference(reference);
    await pushFirmware(registry, reference, packThermo());
    const subject = await registry.resolve(reference);
    writeFileSync(join(folder, 'note.txt'), 'attached\n');
    const type = ['--artifact-type', 'application/vnd.example.theirs'];
    await runOras(folder, 'attach', '--plain-http', ...type, there, 'note.txt:text/plain');
    const ours = await attach(server.host, reference.name, subject);
    const found = await registry.referrers(reference, subject.digest);
    expect(found.map(({ artifactType }) => artifactType).sort()).toEqual([
      'application/vnd.example.ours',
      'application/vnd.example.theirs',
    ]);
    const listed = JSON.parse(
      await runOras(folder, 'discover', '--plain-http', '--format', 'json', there),
    ) as { manifests: { digest: string; artifactType: string }[] };
    expect(listed.manifests.map(({ digest }) => digest).sort()).toEqual(
      found.map(({ digest }) => digest).sort(),
    );
    expect(listed.manifests.map(({ digest }) => digest)).toContain(ours);
    const copy = { ...reference, name: 'oras/attached-copy' };
    await copyArtifact({ registry, reference }, { registry, reference: copy }, { referrers: true });
    expect(await registry.referrers(copy, subject.digest)).toHaveLength(2);
  });
});

test("a login that oras left behind is ours, against the embedded registry's tokens", async () => {
  const folder = freshFolder();
  const auth = {
    users: new Map([['fleet', 'orchard']]),
    secret: new Uint8Array(32).fill(1),
    clock: hastyClock(),
  };
  const { host, close } = await serveRegistry(new RegistryStore(), { auth });
  const config = join(folder, 'config.json');
  const login = ['login', host, '--plain-http', '--registry-config', config, '-u', 'fleet', '-p', 'orchard'];
  await runOras(folder, ...login);
  const ours = new HttpRegistry({ clock: hastyClock(), credentials: credentialsIn({ files: [config] }) });
  const reference = { host, name: 'oras/login', tag: '1.0.0' };
  await pushFirmware(ours, reference, packThermo());
  const fetch = ['manifest', 'fetch', '--plain-http', '--registry-config', config, '--descriptor'];
  const descriptor = JSON.parse(await runOras(folder, ...fetch, formatReference(reference)));
  expect(descriptor.digest).toBe(packThermo().digest);
  await close();
});
