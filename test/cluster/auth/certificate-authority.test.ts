import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../sim/clock.ts';
import { CertificateAuthority } from '../../../sim/cluster/auth/certificate-authority.ts';
import { SeededRandom } from '../../../src/random/random.ts';

const authority = (seed = 1): CertificateAuthority =>
  new CertificateAuthority(new VirtualClock(), SeededRandom.ofSeed(seed));

test('the authority certifies itself, and may certify others', () => {
  const { certificate } = authority();
  const root = new X509Certificate(certificate);
  expect(root.ca).toBe(true);
  expect(root.verify(root.publicKey)).toBe(true);
  expect(root.subject).toBe('CN=brickproof-ca');
});

test('a server is certified for its names and addresses, and for no others', () => {
  const ca = authority();
  const { certificate, key } = ca.server(['localhost', 'kubernetes.default.svc'], ['127.0.0.1']);
  const leaf = new X509Certificate(certificate);
  expect(leaf.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
  expect(leaf.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('example.org')).toBeUndefined();
  expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
});

test('a client is its common name in its organizations', () => {
  const ca = authority();
  const client = new X509Certificate(ca.client('alice', ['gardeners', 'cooks']).certificate);
  expect(client.subject.split('\n')).toEqual(['O=gardeners', 'O=cooks', 'CN=alice']);
  expect(client.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
  expect(client.verify(new X509Certificate(authority(2).certificate).publicKey)).toBe(false);
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});

test('certificates begin a little before now, and end in a year', () => {
  const clock = new VirtualClock();
  const { validFrom, validTo } = new X509Certificate(
    new CertificateAuthority(clock, SeededRandom.ofSeed(1)).certificate,
  );
  expect(Date.parse(validFrom)).toBe(clock.epochMs - 3_600_000);
  expect(Date.parse(validTo)).toBe(clock.epochMs + 365 * 86_400_000);
});

test('equal seeds give equal certificates', () => {
  expect(authority().client('alice', [])).toEqual(authority().client('alice', []));
});
