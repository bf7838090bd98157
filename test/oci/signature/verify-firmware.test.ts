import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Intercept, RegistryRequest } from '../../../sim/registry/fault.ts';
import { InProcessRegistry } from '../../../sim/registry/in-process.ts';
import { RegistryStore } from '../../../sim/registry/store.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { resolveFirmware } from '../../../src/oci/fetch-firmware.ts';
import { encodeManifest } from '../../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '../../../src/oci/media-type.ts';
import { pushFirmware } from '../../../src/oci/pack.ts';
import { pinReference } from '../../../src/oci/reference.ts';
import type { Decoded } from '../../../src/oci/refusal.ts';
import { BUNDLE_TYPE, encodeBundle, parseBundle } from '../../../src/oci/signature/bundle.ts';
import { judgeClaim, type SignatureProof } from '../../../src/oci/signature/judge-claim.ts';
import { signFirmware } from '../../../src/oci/signature/sign-firmware.ts';
import { policyOfKey, type SignaturePolicy } from '../../../src/oci/signature/signature-policy.ts';
import type { SignedClaim } from '../../../src/oci/signature/signed-claim.ts';
import type { SigningKey } from '../../../src/oci/signature/signing-key.ts';
import {
  parseSimpleSigning,
  SIGNATURE_ANNOTATION,
  SIMPLE_SIGNING_ARTIFACT,
  SIMPLE_SIGNING_TYPE,
} from '../../../src/oci/signature/simple-signing.ts';
import { readVerificationKey } from '../../../src/oci/signature/verification-key.ts';
import { verifyFirmware } from '../../../src/oci/signature/verify-firmware.ts';
import { packThermo } from '../fixture.ts';
import { idleClock } from '../idle-clock.ts';
import { ed25519Pair } from './keys.ts';
import { recorded, utf8 } from './recorded.ts';

const HOST = 'registry.local';
const REPOSITORY = { host: HOST, name: 'fleet/thermo' };
const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY = 86_400_000;
const release = ed25519Pair('release');
const stranger = ed25519Pair('stranger');
const policy: SignaturePolicy = new Map([['thermo', [{ name: 'release', key: release.verification }]]]);

let store: RegistryStore;
let digest: Digest;
let requests: RegistryRequest[];

function registryWith(intercept: Intercept = () => undefined): InProcessRegistry {
  return new InProcessRegistry(store, {
    hosts: [HOST],
    clock: idleClock,
    intercept: (request) => {
      requests.push(request);
      return intercept(request);
    },
  });
}

async function verify(
  used: SignaturePolicy = policy,
  options: { readonly nowMs?: number; readonly intercept?: Intercept } = {},
): Promise<SignatureProof> {
  const source = { registry: registryWith() };
  const resolved = await resolveFirmware(source, `${HOST}/fleet/thermo@${digest}`);
  requests = [];
  return verifyFirmware({ registry: registryWith(options.intercept) }, resolved, used, options.nowMs ?? NOW);
}

const refusedAs = (code: string) => expect.objectContaining({ hop: 'signature', code, retryable: false });

/** Pushes `bundle` as a referrer of the index, as cosign does. */
function attach(
  layer: Uint8Array,
  mediaType = BUNDLE_TYPE,
  artifactType = BUNDLE_TYPE,
  annotations = {},
): void {
  const name = REPOSITORY.name;
  const config = store.putBlob(name, utf8('{}'));
  const bytes = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType,
    config: { mediaType: OCI_EMPTY, digest: config, size: 2 },
    layers: [{ mediaType, digest: store.putBlob(name, layer), size: layer.length, annotations }],
    subject: { mediaType: OCI_INDEX, digest, size: store.manifest(name, digest).bytes.length },
  });
  store.putManifest(name, digestOf(bytes), { mediaType: OCI_MANIFEST, bytes });
}

beforeEach(async () => {
  store = new RegistryStore();
  requests = [];
  digest = await pushFirmware(registryWith(), { ...REPOSITORY, tag: '1.0.0' }, packThermo());
});

const sign = (key = release.signing, options = {}) =>
  signFirmware(registryWith(), pinReference(REPOSITORY, digest), key, options);

test('firmware signed by a key that may sign the application is let through, and the signer is named', async () => {
  await sign(release.signing, { annotations: { channel: 'stable' } });
  expect(await verify()).toEqual({
    application: 'thermo',
    signer: 'release',
    form: 'bundle',
    annotations: { channel: 'stable' },
  });
});

test('a signature costs three requests, and of several the first good one ends the search', async () => {
  await sign();
  await sign(stranger.signing);
  await verify();
  expect(requests.map(({ operation }) => operation)).toEqual(['referrers', 'manifest', 'blob']);
});

test('the same firmware and Ed25519 key give the same signature, and signing twice is signing once', async () => {
  const first = await sign();
  expect(await sign()).toEqual(first);
  expect(store.referrers(REPOSITORY.name, digest)).toHaveLength(1);
});

describe('refused before anything is sent to a device', () => {
  test('unsigned', async () => {
    await expect(verify()).rejects.toEqual(refusedAs('unsigned'));
  });

  test('signed by a stranger, or by a key that signs another application', async () => {
    await sign(stranger.signing);
    await expect(verify()).rejects.toEqual(refusedAs('wrong-signer'));
    const mixed: SignaturePolicy = new Map([
      ['thermo', [{ name: 'release', key: release.verification }]],
      ['lamp', [{ name: 'stranger', key: stranger.verification }]],
    ]);
    await expect(verify(mixed)).rejects.toEqual(refusedAs('wrong-signer'));
  });

  test('an application that the policy does not speak of', async () => {
    await sign();
    const other: SignaturePolicy = new Map([['lamp', [{ name: 'release', key: release.verification }]]]);
    await expect(verify(other)).rejects.toEqual(refusedAs('no-rule'));
    expect(requests).toEqual([]);
  });

  test('a genuine signature of another image, hung on this one', async () => {
    attach(encodeBundle(digestOf(utf8('another image')), {}, release.signing));
    await expect(verify()).rejects.toEqual(refusedAs('wrong-digest'));
  });

  test('a signature that expired, by its own word', async () => {
    await sign(release.signing, { expiresAtMs: NOW + DAY });
    expect((await verify(policy, { nowMs: NOW + DAY })).signer).toBe('release');
    await expect(verify(policy, { nowMs: NOW + DAY + 1 })).rejects.toEqual(refusedAs('expired'));
  });

  test('a key before and after the time in which the policy trusts it', async () => {
    await sign();
    const limited: SignaturePolicy = new Map([
      ['*', [{ name: 'release', key: release.verification, notBeforeMs: NOW, notAfterMs: NOW + DAY }]],
    ]);
    await expect(verify(limited, { nowMs: NOW - 1 })).rejects.toEqual(refusedAs('not-yet-valid'));
    expect((await verify(limited, { nowMs: NOW })).signer).toBe('release');
    await expect(verify(limited, { nowMs: NOW + DAY + 1 })).rejects.toEqual(refusedAs('expired'));
  });

  test('a bundle with any part of it changed', async () => {
    const bundle = encodeBundle(digest, { channel: 'stable' }, release.signing);
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 127 }), async (at, bits) => {
        store = new RegistryStore();
        await pushFirmware(registryWith(), { ...REPOSITORY, tag: '1.0.0' }, packThermo());
        attach(bundle.map((byte, index) => (index === at ? byte ^ bits : byte)));
        const outcome = await verify().catch((error: { code: string }) => error.code);
        // The hint is not signed, and base64 has spare bits: what then verifies must say just the same.
        if (typeof outcome === 'string')
          expect(outcome).toMatch(/^(malformed|unsupported)-signature$|^(bad-signature|wrong-signer)$/);
        else expect(outcome.annotations).toEqual({ channel: 'stable' });
      }),
      { numRuns: 200 },
    );
  });

  test('the refusal that came nearest is the one reported', async () => {
    attach(utf8('{}'));
    await sign(stranger.signing);
    await sign(release.signing, { expiresAtMs: NOW - 1 });
    await expect(verify()).rejects.toEqual(refusedAs('expired'));
  });
});

test('one broken or foreign referrer does not hide a good signature', async () => {
  attach(utf8('no json'));
  attach(utf8('{}'), 'application/vnd.example.sbom', 'application/vnd.example.sbom');
  await sign(stranger.signing);
  await sign();
  expect((await verify()).signer).toBe('release');
});

test('a registry that cannot be asked is not the same as unsigned', async () => {
  await sign();
  const failing: Intercept = ({ operation }) =>
    operation === 'referrers' ? { kind: 'error', code: 'unavailable' } : undefined;
  const expected = { hop: 'signature', code: 'unavailable', retryable: true };
  await expect(verify(policy, { intercept: failing })).rejects.toMatchObject(expected);
  const flipped: Intercept = ({ operation }) =>
    operation === 'blob' ? { kind: 'flipped-byte', offsetBytes: 9 } : undefined;
  await expect(verify(policy, { intercept: flipped })).rejects.toMatchObject({
    hop: 'signature',
    code: 'digest-mismatch',
    retryable: true,
  });
});

/** The older form, made as cosign makes it: the payload is the layer, its annotation the signature. */
function simpleSigning(key: SigningKey): {
  payload: Uint8Array;
  annotations: Readonly<Record<string, string>>;
} {
  const image = { 'docker-manifest-digest': digest };
  const critical = { identity: { 'docker-reference': '' }, image, type: 'cosign container image signature' };
  const payload = utf8(JSON.stringify({ critical, optional: null }));
  return {
    payload,
    annotations: { [SIGNATURE_ANNOTATION]: Buffer.from(key.sign(payload)).toString('base64') },
  };
}

test("cosign's older form counts as a referrer and under its tag", async () => {
  const { payload, annotations } = simpleSigning(release.signing);
  attach(payload, SIMPLE_SIGNING_TYPE, SIMPLE_SIGNING_ARTIFACT, annotations);
  const expected = { form: 'simple-signing', signer: 'release', annotations: {} };
  expect(await verify()).toMatchObject(expected);

  const [referrer] = store.referrers(REPOSITORY.name, digest);
  if (referrer === undefined) throw new Error('nothing was attached');
  const { document } = store.manifest(REPOSITORY.name, referrer.digest);
  store.deleteManifest(REPOSITORY.name, referrer.digest);
  const { subject: _, ...rest } = document;
  const bytes = encodeManifest(rest as typeof document);
  store.putManifest(REPOSITORY.name, `${digest.replace(':', '-')}.sig`, { mediaType: OCI_MANIFEST, bytes });
  expect(await verify()).toMatchObject(expected);
});

describe('what cosign wrote', () => {
  const judge = (kind: 'ecdsaP256' | 'ed25519', claim: Decoded<SignedClaim>) => {
    const key = readVerificationKey(recorded[kind].publicKey);
    if (!key.ok || !claim.ok) throw new Error('what cosign wrote cannot be read');
    const context = { application: 'thermo', digest: recorded.digest, nowMs: NOW };
    return judgeClaim(claim.value, { ...context, policy: policyOfKey('cosign', key.value) });
  };

  test.each(['ecdsaP256', 'ed25519'] as const)('its bundle verifies with its %s key', (kind) => {
    const expected = { signer: 'cosign', form: 'bundle', annotations: {} };
    expect(judge(kind, parseBundle(utf8(recorded[kind].bundle)))).toMatchObject(expected);
  });

  test('its older form verifies, annotations included', () => {
    const { payload, signature } = recorded.ecdsaP256.simpleSigning;
    const claim = parseSimpleSigning(utf8(payload), { [SIGNATURE_ANNOTATION]: signature });
    const expected = { signer: 'cosign', form: 'simple-signing', annotations: { x: 'y' } };
    expect(judge('ecdsaP256', claim)).toMatchObject(expected);
  });

  test('a keyless signature is refused by that name', async () => {
    const keyless = JSON.parse(recorded.ecdsaP256.bundle);
    keyless.verificationMaterial = { certificate: { rawBytes: '' } };
    attach(utf8(JSON.stringify(keyless)));
    await expect(verify()).rejects.toMatchObject({
      code: 'unsupported-signature',
      message: expect.stringContaining('keyless'),
    });
  });
});

test('any bytes at all are no signature, and no parser throws', () => {
  const almost = fc
    .tuple(fc.nat(recorded.ecdsaP256.bundle.length - 1), fc.string({ maxLength: 4 }))
    .map(([at, text]) =>
      utf8(recorded.ecdsaP256.bundle.slice(0, at) + text + recorded.ecdsaP256.bundle.slice(at + 2)),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8), almost), (bytes) => {
      expect(typeof parseBundle(bytes).ok).toBe('boolean');
      expect(parseSimpleSigning(bytes, { [SIGNATURE_ANNOTATION]: 'AAAA' }).ok).toBe(false);
    }),
  );
});
