import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { registriesOf } from '../../operator/adapters/registry-settings.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { CertificateAuthority } from '../../sim/cluster/auth/certificate-authority.ts';
import { type RegistryServer, type ServeOptions, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { packThermo } from '../oci/fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'brickproof-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const started: RegistryServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

const clock = new WallClock();
const authority = new CertificateAuthority(clock, SeededRandom.ofSeed(1));

/** A registry with firmware in it, and its port. It is this machine's, under an address that nobody takes for local. */
async function serve(options: ServeOptions = {}): Promise<string> {
  const store = new RegistryStore();
  const { blobs, manifests, index } = packThermo();
  for (const blob of blobs) store.putBlob('thermo', blob);
  for (const manifest of manifests) store.putManifest('thermo', manifest.digest, manifest);
  store.putManifest('thermo', '1.0.0', index);
  const server = await serveRegistry(store, options);
  started.push(server);
  return `0.0.0.0:${server.host.split(':').at(-1)}`;
}

/** What `thermo:1.0.0` is at `host` for a process with this environment: its digest, or why not. */
async function resolve(host: string, environment: Record<string, string>): Promise<string> {
  const registries = registriesOf(environment, { clock });
  if (!registries.ok) return registries.refusal.message;
  return registries.value.resolve({ host, name: 'thermo', tag: '1.0.0' }).then(
    ({ digest }) => digest,
    (error: { code: string }) => error.code,
  );
}

const { digest } = packThermo();

test('a registry with an authority of its own and a login is reached with both, and not without', async () => {
  const users = new Map([['fleet', 'orchard']]);
  const host = await serve({
    tls: authority.server([], ['0.0.0.0']),
    auth: { users, secret: new Uint8Array(32), clock },
  });
  const auth = Buffer.from('fleet:orchard').toString('base64');
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  const REGISTRY_CA = authority.certificate;
  expect(await resolve(host, { REGISTRY_CA, DOCKER_CONFIG: folder })).toBe(digest);
  expect(await resolve(host, { REGISTRY_CA, DOCKER_CONFIG: join(folder, 'none') })).toBe('unauthorized');
});

test('without TLS only where the host was named', async () => {
  const host = await serve();
  expect(await resolve(host, { REGISTRY_INSECURE_HOSTS: `other.local,${host}` })).toBe(digest);
});

test('a mirror stands in for a registry that is not there', async () => {
  const mirror = await serve();
  const REGISTRY_MIRRORS = `other.local=nobody.invalid,registry.invalid=${mirror}`;
  expect(await resolve('registry.invalid', { REGISTRY_MIRRORS, REGISTRY_INSECURE_HOSTS: mirror })).toBe(
    digest,
  );
});

test.each([
  [{ REGISTRY_CA: 'not a certificate' }, 'REGISTRY_CA: holds no certificate in PEM'],
  [{ REGISTRY_MIRRORS: 'docker.io' }, 'REGISTRY_MIRRORS: a mirror is written HOST=MIRROR, not "docker.io"'],
])('%j is refused', async (environment, message) => {
  expect(await resolve('registry.invalid', environment)).toBe(message);
});
