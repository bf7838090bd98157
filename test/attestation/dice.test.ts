import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hexOf } from '../../src/attestation/bytes.ts';
import { decodeCdiCertificate, encodeCdiCertificate } from '../../src/attestation/cdi-certificate.ts';
import { verifySign1 } from '../../src/attestation/cose.ts';
import { deriveAttestCdi, deriveCdis, deriveId, deriveKeySeed } from '../../src/attestation/dice.ts';
import {
  type SignatureAlgorithm,
  type SigningKey,
  signingKeyFromSeed,
  verifyKeyFromRaw,
} from '../../src/attestation/signing-key.ts';
import { encodeX509Certificate } from '../../src/attestation/x509-certificate.ts';
import vectors from '../vectors/open-dice.json' with { type: 'json' };
import { CASES, type CaseName } from './open-dice-inputs.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

describe('open-dice vectors', () => {
  test.each(Object.keys(CASES) as CaseName[])('the CDIs of the %s case', (name) => {
    const { parent, inputs } = CASES[name];
    const cdis = deriveCdis(parent, inputs);
    expect({ attest: hexOf(cdis.attest), seal: hexOf(cdis.seal) }).toEqual(vectors.cdis[name]);
    expect(deriveAttestCdi(parent.attest, inputs)).toEqual(cdis.attest);
  });

  test.each(['EdDSA', 'ES256'] as const)('the keys and IDs of %s', (algorithm) => {
    const { parent, inputs } = CASES.zero;
    const authority = signingKeyFromSeed(algorithm, deriveKeySeed(parent.attest));
    const subject = signingKeyFromSeed(algorithm, deriveKeySeed(deriveCdis(parent, inputs).attest));
    expect(hexOf(subject.publicKey)).toBe(vectors.publicKeys[algorithm]);
    expect({
      authority: hexOf(deriveId(authority.publicKey)),
      subject: hexOf(deriveId(subject.publicKey)),
    }).toEqual(vectors.ids[algorithm]);
  });

  test.each(vectors.certificates)('the $form certificate of $algorithm, $case case', (vector) => {
    const algorithm = vector.algorithm as SignatureAlgorithm;
    const { parent, inputs } = CASES[vector.case as CaseName];
    const authority = signingKeyFromSeed(algorithm, deriveKeySeed(parent.attest));
    const subject = signingKeyFromSeed(algorithm, deriveKeySeed(deriveCdis(parent, inputs).attest));
    const recorded = hex(vector.signature);
    // The recorded P-256 signatures were made with a random k, so they are checked and then put in; the Ed25519
    // ones must come out by themselves.
    const issuer: SigningKey = algorithm === 'EdDSA' ? authority : replaying(authority, recorded);
    const request = {
      issuer,
      subjectPublicKey: subject.publicKey,
      inputs,
      ...(vector.profileName === undefined ? {} : { profileName: vector.profileName }),
    };
    const certificate =
      vector.form === 'x509' ? encodeX509Certificate(request) : encodeCdiCertificate(request, 'certificates');
    if (vector.bytes !== undefined) expect(certificate).toHaveLength(vector.bytes);
    if (vector.sha256 !== undefined) expect(hash('sha256', certificate)).toBe(vector.sha256);
    if (algorithm === 'EdDSA') expect(hexOf(certificate.subarray(-64))).toBe(vector.signature);
  });

  test('the CBOR certificate reads back, and verifies under its issuer only', () => {
    const { parent, inputs } = CASES.descriptor;
    const issuer = signingKeyFromSeed('EdDSA', deriveKeySeed(parent.attest));
    const subject = signingKeyFromSeed('ES256', deriveKeySeed(deriveCdis(parent, inputs).attest));
    const request = { issuer, subjectPublicKey: subject.publicKey, inputs, profileName: 'a.b' };
    const decoded = decodeCdiCertificate(encodeCdiCertificate(request, 'tokens'), 'the certificate');
    if (!decoded.ok) throw new Error(decoded.message);
    const { signed, ...fields } = decoded.value;
    expect(fields).toEqual({
      issuerId: hexOf(deriveId(issuer.publicKey)),
      subjectId: hexOf(deriveId(subject.publicKey)),
      codeHash: inputs.codeHash,
      configuration: inputs.configuration,
      authorityHash: inputs.authorityHash,
      mode: 'not-configured',
      subjectPublicKey: subject.publicKey,
      keyUsage: 'tokens',
      profileName: 'a.b',
    });
    expect(verifySign1(signed, verifyKey(issuer.publicKey))).toBe(true);
    expect(verifySign1(signed, verifyKey(subject.publicKey))).toBe(false);
  });
});

function verifyKey(publicKey: Uint8Array) {
  const key = verifyKeyFromRaw(publicKey);
  if (key === undefined) throw new Error('not a public key');
  return key;
}

/** `key`, giving `signature` once it is sure that it is a signature of the message asked for. */
function replaying(key: SigningKey, signature: Uint8Array): SigningKey {
  const sign = (message: Uint8Array) => {
    expect(verifyKey(key.publicKey).verify(message, signature)).toBe(true);
    return signature;
  };
  return { algorithm: key.algorithm, publicKey: key.publicKey, sign };
}
