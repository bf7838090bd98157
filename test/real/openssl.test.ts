import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hexOf } from '../../src/attestation/bytes.ts';
import { type DiceInputs, deriveCdis, deriveId, deriveKeySeed } from '../../src/attestation/dice.ts';
import { type SignatureAlgorithm, signingKeyFromSeed } from '../../src/attestation/signing-key.ts';
import { encodeX509Certificate } from '../../src/attestation/x509-certificate.ts';
import { CASES } from '../attestation/open-dice-inputs.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-openssl-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** Writes a three-layer chain from a self-issued root down, and returns the inputs and IDs of the last layer. */
function writeChain(algorithm: SignatureAlgorithm): {
  readonly issuerId: string;
  readonly subjectId: string;
} {
  const { parent } = CASES.descriptor;
  const inputs: DiceInputs = { ...CASES.descriptor.inputs, mode: 'normal' };
  const profile = algorithm === 'ES256' ? { profileName: 'opendice.example' } : {};
  let cdis = parent;
  let issuer = signingKeyFromSeed(algorithm, deriveKeySeed(cdis.attest));
  const write = (name: string, subjectPublicKey: Uint8Array) => {
    const der = join(folder, `${algorithm}-${name}.der`);
    writeFileSync(der, encodeX509Certificate({ issuer, subjectPublicKey, inputs, ...profile }));
    openssl('x509', '-inform', 'DER', '-in', der, '-out', `${algorithm}-${name}.pem`);
  };
  write('root', issuer.publicKey);
  let issuerId = '';
  for (const name of ['bootloader', 'application']) {
    cdis = deriveCdis(cdis, inputs);
    const subject = signingKeyFromSeed(algorithm, deriveKeySeed(cdis.attest));
    write(name, subject.publicKey);
    issuerId = hexOf(deriveId(issuer.publicKey));
    issuer = subject;
  }
  return { issuerId, subjectId: hexOf(deriveId(issuer.publicKey)) };
}

test.each(['EdDSA', 'ES256'] as const)(
  'openssl verifies a chain of %s certificates down from its root',
  (algorithm) => {
    writeChain(algorithm);
    const file = (name: string) => `${algorithm}-${name}.pem`;
    // The DICE extension is critical, and openssl does not know it.
    const chain = ['-CAfile', file('root'), '-untrusted', file('bootloader')];
    const told = openssl('verify', '-x509_strict', '-ignore_critical', ...chain, file('application'));
    expect(told).toContain(`${file('application')}: OK`);
    expect(() =>
      openssl('verify', '-ignore_critical', '-CAfile', file('root'), file('application')),
    ).toThrow();
  },
);

test.each(['EdDSA', 'ES256'] as const)('openssl reads the fields of a %s certificate', (algorithm) => {
  const { issuerId, subjectId } = writeChain(algorithm);
  const text = openssl(
    'x509',
    '-in',
    `${algorithm}-application.pem`,
    '-noout',
    '-text',
    '-certopt',
    'ext_parse',
  );
  const colons = (hex: string) => hex.match(/../g)?.join(':') ?? '';
  for (const expected of [
    'Version: 3 (0x2)',
    `Issuer: serialNumber = ${issuerId}`,
    `Subject: serialNumber = ${subjectId}`,
    colons(subjectId),
    colons(issuerId).toUpperCase(),
    'Not Before: Mar 22 23:59:59 2018 GMT',
    'Not After : Dec 31 23:59:59 9999 GMT',
    'Certificate Sign',
    'CA:TRUE',
    '1.3.6.1.4.1.11129.2.1.24: critical',
    'ENUMERATED        :01',
    algorithm === 'EdDSA' ? 'ED25519' : 'ecdsa-with-SHA256',
  ])
    expect(text).toContain(expected);
});
