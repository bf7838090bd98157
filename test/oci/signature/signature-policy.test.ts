import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keysFor, parseSignaturePolicy } from '../../../src/oci/signature/signature-policy.ts';
import { ed25519Pair } from './keys.ts';
import { utf8 } from './recorded.ts';

const { publicPem: pem, verification } = ed25519Pair('release');
const parse = (document: unknown) => parseSignaturePolicy(utf8(JSON.stringify(document)));

test('a policy names keys, when they count, and what they may sign', () => {
  const parsed = parse({
    keys: {
      release: { pem, notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' },
      ops: { pem },
    },
    applications: { thermo: ['release', 'ops'], '*': ['ops'] },
  });
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  const [release, ops] = keysFor(parsed.value, 'thermo') ?? [];
  expect(release).toMatchObject({
    name: 'release',
    notBeforeMs: Date.parse('2026-01-01T00:00:00Z'),
    notAfterMs: Date.parse('2027-01-01T00:00:00Z'),
  });
  expect(ops?.key.hint).toBe(verification.hint);
  expect(keysFor(parsed.value, 'lamp')?.map(({ name }) => name)).toEqual(['ops']);
});

test('without a rule for all, an application that is not named has no keys', () => {
  const parsed = parse({ keys: { ops: { pem } }, applications: { thermo: ['ops'] } });
  expect(parsed.ok && keysFor(parsed.value, 'lamp')).toBe(undefined);
});

test.each([
  ['an unknown key', { keys: {}, applications: { thermo: ['nobody'] } }, 'applications.thermo[0]'],
  ['a rule without keys', { keys: { ops: { pem } }, applications: { thermo: [] } }, 'applications.thermo'],
  ['no rules', { keys: { ops: { pem } } }, 'applications'],
  [
    'a private key',
    { keys: { ops: { pem: ed25519Pair('x').privatePem } }, applications: {} },
    'keys.ops.pem',
  ],
  [
    'a date without a time',
    { keys: { ops: { pem, notAfter: '2027-01-01' } }, applications: {} },
    'keys.ops.notAfter',
  ],
])('%s is refused with its place', (_, document, place) => {
  expect(parse(document)).toMatchObject({ ok: false, refusal: { place } });
});

test('any document at all is read or refused, never thrown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (bytes) => {
      expect(typeof parseSignaturePolicy(bytes).ok).toBe('boolean');
    }),
  );
});
