import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import type { SignatureProof } from '../../src/oci/signature/judge-claim.ts';
import { signFirmware } from '../../src/oci/signature/sign-firmware.ts';
import { policyOfKey } from '../../src/oci/signature/signature-policy.ts';
import { readSigningKey } from '../../src/oci/signature/signing-key.ts';
import { readVerificationKey } from '../../src/oci/signature/verification-key.ts';
import { verifyFirmware } from '../../src/oci/signature/verify-firmware.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from '../registry/hasty-clock.ts';

const peers = process.env.BRICKPROOF_PEERS ?? join(homedir(), '.cache', 'brickproof-peers');
const PASSWORD = 'orchard';
const NOW = Date.parse('2026-06-01T00:00:00Z');

let folder: string;
let server: RegistryServer;
const registry = new HttpRegistry({ clock: hastyClock() });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-cosign-'));
  server = await serveRegistry(new RegistryStore());
  await cosign('signing-config', 'create', '--out', join(folder, 'signing.json'));
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** cosign from the folder of peers; fails with what it said, where it is missing or refuses. */
async function cosign(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, COSIGN_PASSWORD: PASSWORD, HOME: folder };
  const { stdout } = await promisify(execFile)(join(peers, 'bin', 'cosign'), [...args], { env });
  return stdout;
}

type Kind = 'ecdsa-p256' | 'ed25519';

/** A key pair that cosign encrypted; both halves as paths. */
async function keyPair(kind: Kind): Promise<{ readonly key: string; readonly pub: string }> {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const prefix = mkdtempSync(join(folder, `${kind}-`));
  const pem = join(prefix, 'plain.pem');
  writeFileSync(pem, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await cosign('import-key-pair', '--yes', '--key', pem, '--output-key-prefix', join(prefix, 'pair'));
  return { key: join(prefix, 'pair.key'), pub: join(prefix, 'pair.pub') };
}

async function pushed(name: string): Promise<{ readonly digest: Digest; readonly at: string }> {
  const digest = await pushFirmware(registry, { host: server.host, name, tag: '1.0.0' }, packThermo());
  return { digest, at: `${server.host}/${name}@${digest}` };
}

async function weSign(name: string, digest: Digest, keyPath: string, annotations = {}): Promise<void> {
  const key = readSigningKey(readFileSync(keyPath, 'utf8'), PASSWORD);
  if (!key.ok) throw new Error(key.refusal.message);
  await signFirmware(registry, { host: server.host, name, digest }, key.value, { annotations });
}

async function weVerify(at: string, pubPath: string): Promise<SignatureProof> {
  const key = readVerificationKey(readFileSync(pubPath, 'utf8'));
  if (!key.ok) throw new Error(key.refusal.message);
  const resolved = await resolveFirmware({ registry }, at);
  return verifyFirmware({ registry }, resolved, policyOfKey('peer', key.value), NOW);
}

const theyVerify = (at: string, pubPath: string, ...more: readonly string[]): Promise<string> =>
  cosign('verify', '--key', pubPath, '--allow-http-registry', '--insecure-ignore-tlog', ...more, at);
const theySign = (at: string, keyPath: string, ...more: readonly string[]): Promise<string> =>
  cosign('sign', '--yes', '--key', keyPath, '--allow-http-registry', ...more, at);
const BUNDLE = () => ['--signing-config', join(folder, 'signing.json')];
const LEGACY = ['--new-bundle-format=false', '--use-signing-config=false', '--tlog-upload=false'];

describe.each<Kind>(['ecdsa-p256', 'ed25519'])('%s', (kind) => {
  test('cosign verifies what we signed with the key that it encrypted, annotations included', async () => {
    const { key, pub } = await keyPair(kind);
    const { digest, at } = await pushed(`${kind}/ours`);
    await weSign(`${kind}/ours`, digest, key, { channel: 'stable' });
    const [claim] = JSON.parse(await theyVerify(at, pub, '-a', 'channel=stable'));
    expect(claim.critical.image['docker-manifest-digest']).toBe(digest);
    await expect(theyVerify(at, pub, '-a', 'channel=beta')).rejects.toThrow(/annotation/);
    expect((await weVerify(at, pub)).annotations).toEqual({ channel: 'stable' });
  });

  test('both refuse a signature by another key', async () => {
    const { key } = await keyPair(kind);
    const { pub: other } = await keyPair(kind);
    const { digest, at } = await pushed(`${kind}/stranger`);
    await weSign(`${kind}/stranger`, digest, key);
    await expect(theyVerify(at, other)).rejects.toThrow(/verify/);
    await expect(weVerify(at, other)).rejects.toMatchObject({ hop: 'signature', code: 'wrong-signer' });
  });

  test('we verify what cosign signed, as a bundle and in its older form', async () => {
    const { key, pub } = await keyPair(kind);
    const bundle = await pushed(`${kind}/bundle`);
    await theySign(bundle.at, key, ...BUNDLE(), '-a', 'channel=stable');
    expect(await weVerify(bundle.at, pub)).toMatchObject({
      form: 'bundle',
      annotations: { channel: 'stable' },
    });
    const legacy = await pushed(`${kind}/legacy`);
    await theySign(legacy.at, key, ...LEGACY, '-a', 'channel=stable');
    expect(await weVerify(legacy.at, pub)).toMatchObject({
      form: 'simple-signing',
      annotations: { channel: 'stable' },
    });
  });
});

test('a key pair that cosign itself generated signs here and verifies there', async () => {
  const prefix = join(folder, 'generated');
  await cosign('generate-key-pair', '--output-key-prefix', prefix);
  const { digest, at } = await pushed('generated');
  await weSign('generated', digest, `${prefix}.key`);
  expect(await theyVerify(at, `${prefix}.pub`)).toContain(digest);
});

// If this one fails, cosign has been mended: then its Ed25519 signatures can be listed as verified by both.
test('cosign pre-hashes with Ed25519 keys and does not verify that itself; we do', async () => {
  const { key, pub } = await keyPair('ed25519');
  const { at } = await pushed('prehashed');
  await theySign(at, key, ...BUNDLE());
  await expect(theyVerify(at, pub)).rejects.toThrow(/accepted signatures do not match threshold/);
  expect((await weVerify(at, pub)).signer).toBe('peer');
});

test('cosign lists our signature as a referrer of the firmware', async () => {
  const { key } = await keyPair('ecdsa-p256');
  const { digest, at } = await pushed('tree');
  await weSign('tree', digest, key);
  expect(await cosign('tree', '--allow-http-registry', at)).toContain('https://sigstore.dev/cosign/sign/v1');
});
