import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AppraisalContext, appraise, type RefusalCode } from '../../src/attestation/appraisal.ts';
import { Attester, type RunningClaims } from '../../src/attestation/attester.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../src/attestation/cbor.ts';
import { encodeCdiCertificate } from '../../src/attestation/cdi-certificate.ts';
import { ChainVerifier } from '../../src/attestation/certificate-chain.ts';
import { encodeSign1 } from '../../src/attestation/cose.ts';
import { encodeEat } from '../../src/attestation/eat.ts';
import { decodeEvidence, type Evidence, encodeEvidence } from '../../src/attestation/evidence.ts';
import {
  type BootState,
  deriveBootIdentity,
  deriveBootloaderLayer,
  udsPublicKey,
} from '../../src/attestation/layers.ts';
import { legacyUdsOfMac } from '../../src/attestation/legacy-identity.ts';
import { signingKeyFromSeed } from '../../src/attestation/signing-key.ts';
import { deviceIdOf } from '../../src/attestation/ueid.ts';
import { digestOf, NONCE, testBoard, verifierOf } from './board.ts';
import { CASES } from './open-dice-inputs.ts';

const attester = new Attester();
const board = testBoard('one');
const verifier = verifierOf(board);

/** The board's evidence, with its boot, its claims or the nonce changed. */
function evidenceOf(
  change: { boot?: Partial<BootState>; claims?: Partial<RunningClaims>; nonce?: Uint8Array } = {},
) {
  const { boot, claims, nonce = NONCE } = change;
  return attester.attest({ ...board.boot, ...boot }, nonce, { ...board.claims, ...claims });
}

/** Evidence taken apart, changed and put together again. */
function tampered(change: (evidence: Evidence) => Partial<Evidence>): Uint8Array {
  const decoded = decodeEvidence(evidenceOf());
  if (!decoded.ok) throw new Error(decoded.message);
  return encodeEvidence({ ...decoded.value, ...change(decoded.value) });
}

/** A token over the board's claims with these put in, signed with the attestation key of the boot. */
function tokenOver(entries: readonly [CborValue, CborValue][], removed: readonly number[] = []): Uint8Array {
  const { boot, claims } = board;
  const payload = encodeEat({
    ...claims,
    nonce: NONCE,
    applicationDigest: boot.applicationDigest,
    bootloaderDigest: boot.bootloaderDigest,
    secureVersion: boot.secureVersion,
  });
  const decoded = decodeCbor(payload, 4096, 'claims');
  if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error('no claims');
  for (const key of removed) decoded.value.delete(key);
  for (const [key, value] of entries) decoded.value.set(key, value);
  const { attestationKey } = deriveBootIdentity(boot, deriveBootloaderLayer(boot));
  return encodeSign1(attestationKey, encodeCbor(decoded.value), 'tagged');
}

function codeOf(evidence: Uint8Array, context: AppraisalContext = verifier): RefusalCode | 'accepted' {
  const outcome = appraise(evidence, context);
  return outcome.result === 'accepted' ? 'accepted' : outcome.code;
}

describe('evidence that is true', () => {
  test.each(['EdDSA', 'ES256'] as const)('is accepted with its claims, keys of %s', (algorithm) => {
    const device = testBoard('two', algorithm);
    const outcome = appraise(attester.attest(device.boot, NONCE, device.claims), verifierOf(device));
    expect(outcome).toEqual({
      result: 'accepted',
      deviceId: deviceIdOf(device.claims.ueid),
      claims: {
        ...device.claims,
        nonce: NONCE,
        applicationDigest: device.boot.applicationDigest,
        bootloaderDigest: device.boot.bootloaderDigest,
        secureVersion: 3,
      },
    });
  });

  test('is the same bytes every time, whatever the attester was asked before', () => {
    const forgetful = new Attester();
    const other = testBoard('three', 'ES256');
    const first = forgetful.attest(other.boot, NONCE, other.claims);
    forgetful.attest(board.boot, NONCE, board.claims);
    expect(forgetful.attest(other.boot, NONCE, other.claims)).toEqual(first);
  });

  test('is judged alike by a verifier that remembers chains and by one that does not', () => {
    const remembering = { ...verifier, chainVerifier: new ChainVerifier({ certificatesMax: 2 }) };
    const evidence = evidenceOf();
    for (let round = 0; round < 2; round++)
      expect(appraise(evidence, remembering)).toEqual(appraise(evidence, verifier));
  });

  test('stays bound to its key in the memory of a verifier', () => {
    const chainVerifier = new ChainVerifier();
    const evidence = evidenceOf();
    expect(codeOf(evidence, { ...verifier, chainVerifier })).toBe('accepted');
    const exchanged = { ...board, enrolment: testBoard('other').enrolment };
    expect(codeOf(evidence, { ...verifierOf(exchanged), chainVerifier })).toBe('cloned-identity');
  });

  test('may hold claims that nobody here knows', () => {
    expect(codeOf(tampered(() => ({ token: tokenOver([[261, 17]]) })))).toBe('accepted');
  });
});

describe('a device is refused', () => {
  test('as unknown-device when its UEID is not enrolled', () => {
    expect(codeOf(evidenceOf(), verifierOf(testBoard('other')))).toBe('unknown-device');
  });

  test('as mac-derived-identity when its secret follows from its MAC, signed as it may be', () => {
    const mac = Uint8Array.of(0x52, 0x54, 0x00, 0x24, 0x7d, 0x77);
    const uds = legacyUdsOfMac(mac);
    for (const algorithm of ['ES256', 'EdDSA'] as const) {
      const enrolment = { udsPublicKey: udsPublicKey(uds, algorithm), mac };
      const legacy = { ...board, boot: { ...board.boot, uds, algorithm }, enrolment };
      const evidence = attester.attest(legacy.boot, NONCE, legacy.claims);
      expect(codeOf(evidence, verifierOf(legacy))).toBe('mac-derived-identity');
    }
  });

  test('but not for having a MAC, when its secret is random', () => {
    const known = { ...board, enrolment: { ...board.enrolment, mac: new Uint8Array(6) } };
    expect(codeOf(evidenceOf(), verifierOf(known))).toBe('accepted');
  });

  test('as cloned-identity when another board shows its UEID', () => {
    expect(codeOf(evidenceOf({ boot: { uds: digestOf('the clone has its own') } }))).toBe('cloned-identity');
    expect(codeOf(evidenceOf({ boot: { algorithm: 'ES256' } }))).toBe('cloned-identity');
  });

  test('as revoked once the operator says so, and only when it is really that device', () => {
    const revoked = { ...board, enrolment: { ...board.enrolment, revoked: true } };
    expect(codeOf(evidenceOf(), verifierOf(revoked))).toBe('revoked');
    expect(codeOf(evidenceOf({ boot: { uds: digestOf('clone') } }), verifierOf(revoked))).toBe(
      'cloned-identity',
    );
  });
});

describe('a chain is refused as bad-certificate', () => {
  const withFirst = (certificate: Uint8Array) =>
    tampered(({ chain }) => ({ chain: [certificate, chain[1]] }));
  const withSecond = (certificate: Uint8Array) =>
    tampered(({ chain }) => ({ chain: [chain[0], certificate] }));
  const bootloader = deriveBootloaderLayer(board.boot);
  const identity = deriveBootIdentity(board.boot, bootloader);

  test('when a certificate was changed, or belongs to another board', () => {
    const flip = (bytes: Uint8Array) => bytes.with(100, (bytes[100] ?? 0) ^ 1);
    expect(codeOf(withFirst(flip(identity.chain[0])))).toBe('bad-certificate');
    expect(codeOf(withSecond(flip(identity.chain[1])))).toBe('bad-certificate');
    const { boot } = testBoard('other');
    const other = deriveBootIdentity(boot, deriveBootloaderLayer(boot));
    expect(codeOf(withSecond(other.chain[1]))).toBe('bad-certificate');
    expect(codeOf(withSecond(identity.chain[0]))).toBe('bad-certificate');
  });

  test('when the key at its end is certified for layers, not for tokens', () => {
    const subjectPublicKey = identity.attestationKey.publicKey;
    const request = { issuer: bootloader.key, subjectPublicKey, inputs: CASES.zero.inputs };
    const outcome = appraise(withSecond(encodeCdiCertificate(request, 'certificates')), verifier);
    expect(outcome).toMatchObject({
      code: 'bad-certificate',
      message: expect.stringContaining('not tokens'),
    });
  });

  test('when it names an issuer that did not sign it', () => {
    const subjectPublicKey = identity.attestationKey.publicKey;
    const issuer = { ...bootloader.key, publicKey: digestOf('somebody else') };
    const request = { issuer, subjectPublicKey, inputs: CASES.zero.inputs };
    const outcome = appraise(withSecond(encodeCdiCertificate(request, 'tokens')), verifier);
    expect(outcome).toMatchObject({
      code: 'bad-certificate',
      message: expect.stringContaining('names keys'),
    });
  });

  test('when it is X.509, or the enrolled key is none', () => {
    expect(codeOf(withFirst(Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00)))).toBe('bad-certificate');
    const broken = { ...board, enrolment: { udsPublicKey: new Uint8Array(64) } };
    expect(codeOf(evidenceOf(), verifierOf(broken))).toBe('bad-certificate');
  });

  test('as malformed when it has one layer, or three', () => {
    const { chain, attestationKey } = identity;
    const token = encodeSign1(attestationKey, new Uint8Array(0), 'tagged');
    for (const layers of [chain.slice(0, 1), [...chain, chain[1]]])
      expect(codeOf(encodeCbor([layers, token]))).toBe('malformed');
  });
});

describe('a token is refused', () => {
  test('as bad-signature when it was forged without the attestation key', () => {
    const forger = signingKeyFromSeed('EdDSA', digestOf('forger'));
    const payload = encodeEat({
      ...board.claims,
      nonce: NONCE,
      applicationDigest: board.boot.applicationDigest,
      bootloaderDigest: board.boot.bootloaderDigest,
      secureVersion: 3,
    });
    expect(codeOf(tampered(() => ({ token: encodeSign1(forger, payload, 'tagged') })))).toBe('bad-signature');
  });

  test('as bad-signature when it comes from another image of the same board', () => {
    const newer = decodeEvidence(evidenceOf({ boot: { applicationDigest: digestOf('thermo 2.0.0') } }));
    if (!newer.ok) throw new Error(newer.message);
    const { token } = newer.value;
    expect(codeOf(tampered(() => ({ token })))).toBe('bad-signature');
  });

  test('as nonce-mismatch when it is replayed, also when nothing was asked', () => {
    expect(codeOf(evidenceOf({ nonce: digestOf('yesterday') }))).toBe('nonce-mismatch');
    expect(codeOf(evidenceOf(), { ...verifier, nonce: undefined })).toBe('nonce-mismatch');
  });

  test('as nonce-mismatch when another device answers in the place of the one that was asked', () => {
    const deviceId = deviceIdOf(board.claims.ueid);
    expect(codeOf(evidenceOf(), { ...verifier, challengedDeviceId: deviceId })).toBe('accepted');
    const other = deviceIdOf(testBoard('other').claims.ueid);
    expect(codeOf(evidenceOf(), { ...verifier, challengedDeviceId: other })).toBe('nonce-mismatch');
  });

  test('as nonce-expired one millisecond after the challenge has lived', () => {
    expect(codeOf(evidenceOf(), { ...verifier, nowMs: 31_000 })).toBe('accepted');
    expect(codeOf(evidenceOf(), { ...verifier, nowMs: 31_001 })).toBe('nonce-expired');
  });

  test('as unsupported-algorithm when it is signed with ES384', () => {
    const header = encodeCbor(new Map([[1, -35]]));
    const message = encodeCbor([header, new Map(), new Uint8Array(3), new Uint8Array(64)]);
    const token = Uint8Array.of(0xd2, ...message);
    expect(codeOf(tampered(() => ({ token })))).toBe('unsupported-algorithm');
  });

  test('as unsupported-profile when it follows other rules', () => {
    const token = tokenOver([[265, 'urn:ietf:rfc:rfc9711']]);
    expect(codeOf(tampered(() => ({ token })))).toBe('unsupported-profile');
  });

  test('as malformed when a claim is missing, of another type, or out of range', () => {
    const broken: readonly (readonly [number, CborValue])[] = [
      [10, new Uint8Array(7)],
      [10, [NONCE]],
      [256, Uint8Array.of(0x02, 1, 2, 3, 4, 5, 6)],
      [258, new Uint8Array(4)],
      [259, new Uint8Array(33)],
      [262, 1],
      [263, 5],
      [267, -1],
      [267, 2 ** 32],
      [270, ''],
      [271, '1.0.0'],
      [273, []],
      [-75001, 7],
      [-75002, 'ota_16'],
      [-75003, 2],
      [-75004, 2n ** 60n],
      [6, 'noon'],
    ];
    for (const [key, value] of broken)
      expect([key, codeOf(tampered(() => ({ token: tokenOver([[key, value]]) })))]).toEqual([
        key,
        'malformed',
      ]);
    for (const key of [10, 256, 258, 259, 262, 263, 265, 267, 270, 271, 273, -75001, -75002, -75003, -75004])
      expect([key, codeOf(tampered(() => ({ token: tokenOver([], [key]) })))]).toEqual([key, 'malformed']);
  });
});

describe('a state is refused', () => {
  test('as debug-mode when the board booted so, or its debug port is open', () => {
    expect(codeOf(evidenceOf({ boot: { mode: 'debug' } }))).toBe('debug-mode');
    expect(codeOf(evidenceOf({ claims: { dbgstat: 'enabled' } }))).toBe('debug-mode');
  });

  test('as mode-not-normal in recovery, and before it was configured', () => {
    expect(codeOf(evidenceOf({ boot: { mode: 'recovery' } }))).toBe('mode-not-normal');
    expect(codeOf(evidenceOf({ boot: { mode: 'not-configured' } }))).toBe('mode-not-normal');
  });

  test('as measurement-mismatch when the application lies about what was measured', () => {
    const measurement = (component: string, digest: Uint8Array) => [60, encodeCbor([component, 1, digest])];
    const { applicationDigest, bootloaderDigest } = board.boot;
    const lies: readonly (readonly [number, CborValue])[] = [
      [273, [measurement('application', digestOf('other')), measurement('bootloader', bootloaderDigest)]],
      [273, [measurement('application', applicationDigest), measurement('bootloader', digestOf('other'))]],
      [-75004, 4],
    ];
    for (const [key, value] of lies)
      expect(codeOf(tampered(() => ({ token: tokenOver([[key, value]]) })))).toBe('measurement-mismatch');
  });

  test('as unknown-measurement when it is no reference value', () => {
    const released = digestOf('thermo 1.0.0');
    const context: AppraisalContext = {
      ...verifier,
      referenceValues: ({ applicationDigest }) => Buffer.compare(applicationDigest, released) === 0,
    };
    expect(codeOf(evidenceOf(), context)).toBe('accepted');
    expect(codeOf(evidenceOf({ boot: { applicationDigest: digestOf('home-made') } }), context)).toBe(
      'unknown-measurement',
    );
  });

  test('as downgraded below the floor of secure versions, not at it', () => {
    expect(codeOf(evidenceOf(), { ...verifier, secureVersionFloor: 3 })).toBe('accepted');
    expect(codeOf(evidenceOf(), { ...verifier, secureVersionFloor: 4 })).toBe('downgraded');
  });

  test('with a sentence that names the device', () => {
    const outcome = appraise(evidenceOf(), { ...verifier, secureVersionFloor: 4 });
    expect(outcome).toEqual({
      result: 'refused',
      code: 'downgraded',
      deviceId: deviceIdOf(board.claims.ueid),
      message: `device ${deviceIdOf(board.claims.ueid)}: it runs thermo 1.0.0 of secure version 3; the lowest allowed is 4`,
    });
  });
});

describe('whatever the bytes', () => {
  const context = { ...verifier, chainVerifier: new ChainVerifier() };

  test('no flipped bit is accepted', () => {
    const evidence = evidenceOf();
    expect(codeOf(evidence, context)).toBe('accepted');
    const accepted: number[] = [];
    for (let bit = 0; bit < evidence.length * 8; bit++) {
      const index = bit >> 3;
      const flipped = evidence.with(index, (evidence[index] ?? 0) ^ (1 << (bit & 7)));
      if (codeOf(flipped, context) === 'accepted') accepted.push(bit);
    }
    expect(accepted).toEqual([]);
  });

  test('cut or lengthened evidence is malformed', () => {
    const evidence = evidenceOf();
    for (let length = 0; length < evidence.length; length += 7)
      expect(codeOf(evidence.subarray(0, length), context)).toBe('malformed');
    expect(codeOf(Uint8Array.of(...evidence, 0), context)).toBe('malformed');
    expect(codeOf(new Uint8Array(1_000_000), context)).toBe('malformed');
  });

  test('random bytes and random CBOR are malformed, never an exception', () => {
    const item = fc.letrec<{ item: CborValue }>((tie) => ({
      item: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.string(),
        fc.uint8Array(),
        fc.boolean(),
        fc.array(tie('item'), { maxLength: 4 }),
        fc.array(fc.tuple(fc.integer(), tie('item')), { maxLength: 4 }).map((entries) => new Map(entries)),
      ),
    })).item;
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codeOf(bytes) === 'malformed'));
    fc.assert(fc.property(item, (value) => codeOf(encodeCbor(value)) === 'malformed'));
    fc.assert(
      fc.property(item, fc.uint8Array(), (value, token) => {
        expect(codeOf(tampered(() => ({ token: encodeCbor(value) })))).toBe('malformed');
        expect(codeOf(tampered(() => ({ token })))).toBe('malformed');
      }),
    );
  });
});
