import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { explain } from '../../src/cli/failure.ts';
import { registerFirmwareDelta } from '../../src/cli/firmware-delta.ts';
import { registerFirmwareSign } from '../../src/cli/firmware-sign.ts';
import { registerFirmwareVerify } from '../../src/cli/firmware-verify.ts';
import { deltaBaseOf } from '../../src/delta/delta-file.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { fetchDelta } from '../../src/oci/fetch-delta.ts';
import { resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { packFirmware, pushFirmware } from '../../src/oci/pack.ts';
import { consecutiveBuilds } from '../delta/consecutive-builds.ts';
import { idleClock } from '../oci/idle-clock.ts';
import { ed25519Pair } from '../oci/signature/keys.ts';
import { recorded } from '../oci/signature/recorded.ts';

const { from, to } = consecutiveBuilds(32 * 1024);
const NAME = 'fleet/thermo';
let folder: string;
let server: RegistryServer;
let registry: InProcessRegistry;
let reference: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-trust-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  await server?.close();
  const store = new RegistryStore();
  server = await serveRegistry(store);
  registry = new InProcessRegistry(store, { hosts: [server.host], clock: idleClock });
  reference = `${server.host}/${NAME}:1.4.1`;
  const measurement = deltaBaseOf(to)?.measurement ?? '';
  const meta = { secureVersion: 0, elfSha256: 'a'.repeat(64), measurement };
  const packed = packFirmware({
    application: 'thermo',
    version: '1.4.1',
    rollback: 'esp-idf',
    bootsWithoutConfirm: 1,
    chips: [{ chip: 'esp32c3', image: to, ...meta }],
  });
  if (!packed.ok) throw new Error(packed.refusal.message);
  await pushFirmware(registry, { host: server.host, name: NAME, tag: '1.4.1' }, packed.value);
});
afterAll(() => server?.close());

const put = (name: string, contents: Uint8Array | string): string => {
  writeFileSync(join(folder, name), contents);
  return join(folder, name);
};
const at = (name: string): string => join(folder, name);

/** Runs a command line in this process, as `brickproof` would. */
async function brickproof(...args: readonly string[]) {
  let out = '';
  let err = '';
  const program = new Command('brickproof').exitOverride().configureOutput({
    writeOut: (text) => {
      out += text;
    },
    writeErr: (text) => {
      err += text;
    },
  });
  registerFirmwareSign(program);
  registerFirmwareVerify(program);
  registerFirmwareDelta(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return { out, err, exitCode: 0 };
  } catch (error) {
    const { lines, exitCode } = explain(error);
    return { out, err: `${err}${lines.join('\n')}`, exitCode };
  }
}

const release = ed25519Pair('release');
const policyOf = (pem: string, application = 'thermo'): string =>
  JSON.stringify({ keys: { release: { pem } }, applications: { [application]: ['release'] } });

describe('sign and verify', () => {
  test('what one signs the other verifies, with a key or by a policy in JSON or YAML', async () => {
    const signed = await brickproof(
      'firmware',
      'sign',
      reference,
      '--key',
      put('release.pem', release.privatePem),
    );
    expect(signed).toMatchObject({ exitCode: 0, out: expect.stringContaining('with ed25519') });
    const pub = put('release.pub', release.publicPem);
    const verified = await brickproof('firmware', 'verify', reference, '--key', pub);
    expect(verified).toMatchObject({ exitCode: 0, out: expect.stringContaining('signed by release.pub') });
    const yaml = `keys:\n  release:\n    pem: |\n${release.publicPem.replaceAll(/^/gm, '      ')}\napplications:\n  thermo: [release]\n`;
    for (const policy of [put('policy.json', policyOf(release.publicPem)), put('policy.yaml', yaml)]) {
      const { out, exitCode } = await brickproof(
        'firmware',
        'verify',
        reference,
        '--policy',
        policy,
        '--json',
      );
      expect(exitCode).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ application: 'thermo', signer: 'release', form: 'bundle' });
    }
  });

  test('unsigned, a stranger, another application and too late end with 1 and their code', async () => {
    const pub = put('release.pub', release.publicPem);
    const refused = (code: string) => ({ exitCode: 1, err: expect.stringContaining(`${code} at signature`) });
    expect(await brickproof('firmware', 'verify', reference, '--key', pub)).toMatchObject(
      refused('unsigned'),
    );
    const key = put('release.pem', release.privatePem);
    await brickproof('firmware', 'sign', reference, '--key', key, '--expires', '2027-01-01T00:00:00Z');
    const late = ['--key', pub, '--at', '2027-06-01T00:00:00Z'];
    expect(await brickproof('firmware', 'verify', reference, ...late)).toMatchObject(refused('expired'));
    const stranger = put('stranger.pub', ed25519Pair('stranger').publicPem);
    const asked = await brickproof('firmware', 'verify', reference, '--key', stranger);
    expect(asked).toMatchObject(refused('wrong-signer'));
    const lamp = put('lamp.json', policyOf(release.publicPem, 'lamp'));
    expect(await brickproof('firmware', 'verify', reference, '--policy', lamp)).toMatchObject(
      refused('no-rule'),
    );
  });

  test("cosign's encrypted key is opened by a passphrase from the environment, and only so", async () => {
    const key = put('cosign.key', recorded.ecdsaP256.privateKey);
    const without = await brickproof('firmware', 'sign', reference, '--key', key);
    expect(without).toMatchObject({ exitCode: 64, err: expect.stringContaining('give its passphrase') });
    process.env.BRICKPROOF_KEY_PASSPHRASE = recorded.passphrase;
    try {
      expect(await brickproof('firmware', 'sign', reference, '--key', key)).toMatchObject({ exitCode: 0 });
    } finally {
      delete process.env.BRICKPROOF_KEY_PASSPHRASE;
    }
    const pub = put('cosign.pub', recorded.ecdsaP256.publicKey);
    expect(await brickproof('firmware', 'verify', reference, '--key', pub)).toMatchObject({ exitCode: 0 });
  });

  test('what cannot be right ends with 64, what is not there with 69', async () => {
    const pub = put('release.pub', release.publicPem);
    const usage = [
      ['firmware', 'verify', reference],
      ['firmware', 'verify', reference, '--key', pub, '--policy', pub],
      ['firmware', 'verify', reference, '--key', put('noise.pub', 'noise')],
      ['firmware', 'verify', reference, '--policy', put('noise.yaml', '{"keys": [')],
      ['firmware', 'verify', 'registry.local/UPPER:1', '--key', pub],
      ['firmware', 'verify', reference, '--key', pub, '--at', 'tomorrow'],
      ['firmware', 'sign', reference, '--key', pub],
      ['firmware', 'sign', reference, '--key', put('release.pem', release.privatePem), '--annotation', 'x'],
    ];
    for (const args of usage) expect(await brickproof(...args)).toMatchObject({ exitCode: 64 });
    const gone = await brickproof('firmware', 'verify', `${server.host}/fleet/lamp:1`, '--key', pub);
    expect(gone).toMatchObject({ exitCode: 69, err: expect.stringContaining('not-found at resolve') });
  });
});

describe('delta', () => {
  test('create and apply are each other backwards', async () => {
    const [base, image] = [put('base.bin', from), put('image.bin', to)];
    const made = await brickproof('firmware', 'delta', 'create', base, image, '--out', at('thermo.delta'));
    expect(made).toMatchObject({ exitCode: 0, out: expect.stringContaining('% of the image') });
    const apply = ['firmware', 'delta', 'apply', base, at('thermo.delta'), '--out', at('made.bin')];
    expect(await brickproof(...apply, '--digest', digestOf(to))).toMatchObject({ exitCode: 0 });
    expect(new Uint8Array(readFileSync(at('made.bin')))).toEqual(to);
    expect(await brickproof(...apply, '--digest', digestOf(from))).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('wrong-result'),
    });
    const wrong = await brickproof(
      'firmware',
      'delta',
      'apply',
      image,
      at('thermo.delta'),
      '--out',
      at('no.bin'),
    );
    expect(wrong).toMatchObject({ exitCode: 1, err: expect.stringContaining('wrong-base') });
    const noise = await brickproof('firmware', 'delta', 'apply', base, image, '--out', at('no.bin'));
    expect(noise).toMatchObject({ exitCode: 1, err: expect.stringContaining('image.bin: ') });
  });

  test('a patch without header, of any two files, in any compression', async () => {
    const [old, young] = [put('old.txt', 'to be or not to be'), put('new.txt', 'to be or not to bee!')];
    for (const compression of ['none', 'crle', 'heatshrink']) {
      const how = ['--out', at('text.patch'), '--patch-only', '--compression', compression];
      expect(await brickproof('firmware', 'delta', 'create', old, young, ...how)).toMatchObject({
        exitCode: 0,
      });
      const apply = ['firmware', 'delta', 'apply', old, at('text.patch'), '--out', at('text.out')];
      expect(await brickproof(...apply)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(at('text.out'), 'utf8')).toBe('to be or not to bee!');
    }
    const device = await brickproof('firmware', 'delta', 'create', old, young, '--out', at('x'));
    expect(device).toMatchObject({ exitCode: 64, err: expect.stringContaining('no ESP-IDF app image') });
  });

  test('push attaches what boards then find', async () => {
    const pushed = await brickproof('firmware', 'delta', 'push', reference, '--base', put('base.bin', from));
    expect(pushed).toMatchObject({ exitCode: 0, out: expect.stringContaining('attached sha256:') });
    const resolved = await resolveFirmware({ registry }, reference);
    const found = await fetchDelta(
      { registry },
      resolved,
      'esp32c3',
      `sha256:${deltaBaseOf(from)?.measurement}`,
    );
    expect(found?.imageDigest).toBe(digestOf(to));
    const noise = await brickproof(
      'firmware',
      'delta',
      'push',
      reference,
      '--base',
      put('noise.bin', 'noise'),
    );
    expect(noise).toMatchObject({ exitCode: 64 });
  });
});
