import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from '../registry/hasty-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'brickproof-tls-'));
const at = (name: string): string => join(folder, name);
let server: RegistryServer;
let host = '';

/** An authority of our own and a certificate for `localhost`, both made by openssl. */
beforeAll(async () => {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=brickproof test');
  openssl('req', ...key.slice(0, 5), '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=localhost');
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost\n');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'request.pem', '-out', 'certificate.pem', ...signed);
  const tls = {
    certificate: readFileSync(at('certificate.pem'), 'utf8'),
    key: readFileSync(at('key.pem'), 'utf8'),
  };
  server = await serveRegistry(new RegistryStore(), { tls });
  host = server.host.replace('127.0.0.1', 'localhost');
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a registry with an authority of its own is trusted when the authority is, and by skopeo likewise', async () => {
  const certificateAuthorities = [readFileSync(at('ca.pem'), 'utf8')];
  const registry = new HttpRegistry({ clock: hastyClock(), certificateAuthorities, secureHosts: [host] });
  const reference = { host, name: 'fleet/thermo', tag: '1.0.0' };
  await pushFirmware(registry, reference, packThermo());
  mkdirSync(at('certificates'));
  writeFileSync(at('certificates/ca.crt'), certificateAuthorities[0] ?? '');
  const { stdout } = await promisify(execFile)('skopeo', [
    'inspect',
    '--raw',
    '--cert-dir',
    at('certificates'),
    `docker://${host}/fleet/thermo:1.0.0`,
  ]);
  expect(stdout).toBe(new TextDecoder().decode(packThermo().index.bytes));
});

test('without the authority nothing is sent, and the reason is named', async () => {
  const retry = { attemptsMax: 1, backoffMs: 1, waitMsMax: 1 };
  const registry = new HttpRegistry({ clock: hastyClock(), retry, secureHosts: [host] });
  await expect(registry.resolve({ host, name: 'fleet/thermo', tag: '1.0.0' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/),
  });
});
