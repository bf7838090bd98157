import { expect, test } from 'vitest';
import { hexOf } from '../../src/attestation/bytes.ts';
import { deriveAttestCdi, deriveId, deriveKeySeed } from '../../src/attestation/dice.ts';
import { udsPublicKey } from '../../src/attestation/layers.ts';
import { isMacDerivedKey, legacyUdsOfMac } from '../../src/attestation/legacy-identity.ts';
import vectors from '../vectors/nubificus-identity.json' with { type: 'json' };
import { digestOf } from './board.ts';
import { CASES } from './open-dice-inputs.ts';

const mac = new Uint8Array(Buffer.from(vectors.mac, 'hex'));

test('the whole identity of a nubificus device follows from its MAC', () => {
  const uds = legacyUdsOfMac(mac);
  expect({
    uds: hexOf(uds),
    keySeed: hexOf(deriveKeySeed(uds)),
    publicKey: hexOf(udsPublicKey(uds, 'ES256')),
    id: hexOf(deriveId(udsPublicKey(uds, 'ES256'))),
    attestCdi: hexOf(deriveAttestCdi(uds, { ...CASES.zero.inputs, mode: 'normal' })),
  }).toEqual({
    uds: vectors.uds,
    keySeed: vectors.keySeed,
    publicKey: vectors.publicKey,
    id: vectors.id,
    attestCdi: vectors.attestCdi,
  });
});

test('its serial number is the ID over the compressed key, as older open-dice made it', () => {
  const publicKey = Buffer.from(vectors.publicKey, 'hex');
  const isOdd = ((publicKey[63] ?? 0) & 1) === 1;
  const compressed = Uint8Array.of(isOdd ? 3 : 2, ...publicKey.subarray(0, 32));
  expect(hexOf(deriveId(compressed))).toBe(vectors.compressedKeyId);
});

test('the key is recognised under its MAC and under no other, and a random one never', () => {
  const key = udsPublicKey(legacyUdsOfMac(mac), 'ES256');
  expect(isMacDerivedKey(key, mac)).toBe(true);
  expect(isMacDerivedKey(key, mac.with(5, 0x78))).toBe(false);
  expect(isMacDerivedKey(udsPublicKey(digestOf('random')), mac)).toBe(false);
  expect(isMacDerivedKey(key, new Uint8Array(5))).toBe(false);
});
