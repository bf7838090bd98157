import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyEd25519ph } from '../../../src/oci/signature/ed25519ph.ts';
import { openSecretbox } from '../../../src/oci/signature/secretbox.ts';
import { readSigningKey } from '../../../src/oci/signature/signing-key.ts';
import { readVerificationKey } from '../../../src/oci/signature/verification-key.ts';
import { ed25519Pair } from './keys.ts';
import { recorded, utf8 } from './recorded.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const flip = (bytes: Uint8Array, at: number, bits: number): Uint8Array =>
  bytes.map((byte, index) => (index === at % bytes.length ? byte ^ bits : byte));
const flips = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));

describe('Ed25519ph', () => {
  // Source: RFC 8032 section 7.3.
  const publicKey = hex('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf');
  const signature = hex(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
  );

  test('the vector of the specification verifies', () => {
    expect(verifyEd25519ph(publicKey, utf8('abc'), signature)).toBe(true);
    expect(verifyEd25519ph(publicKey, utf8('abd'), signature)).toBe(false);
  });

  test('nothing verifies once a bit of it changed', () => {
    fc.assert(
      fc.property(flips, fc.constantFrom('key', 'signature'), ([at, bits], part) => {
        const key = part === 'key' ? flip(publicKey, at, bits) : publicKey;
        const changed = part === 'signature' ? flip(signature, at, bits) : signature;
        expect(verifyEd25519ph(key, utf8('abc'), changed)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('any bytes at all are refused in peace', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 32, maxLength: 32 }));
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: 60, maxLength: 64 }), (key, any) => {
        expect(verifyEd25519ph(key, any, any)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe('secretbox', () => {
  // Made by NaCl's C code; source: golang.org/x/crypto, nacl/secretbox/secretbox_test.go.
  const box = hex(
    '8442bc313f4626f1359e3b50122b6ce6fe66ddfe7d39d14e637eb4fd5b45beadab55198df6ab5368439792a23c87db70' +
      'acb6156dc5ef957ac04f6276cf6093b84be77ff0849cc33e34b7254d5a8f65ad',
  );
  const key = new Uint8Array(32).fill(1);
  const nonce = new Uint8Array(24).fill(2);

  test("NaCl's box opens", () => {
    expect(openSecretbox(box, nonce, key)).toEqual(new Uint8Array(64).fill(3));
  });

  test('a box, nonce or key with a bit changed does not open', () => {
    fc.assert(
      fc.property(flips, ([at, bits]) => {
        expect(openSecretbox(flip(box, at, bits), nonce, key)).toBeUndefined();
        expect(openSecretbox(box, flip(nonce, at, bits), key)).toBeUndefined();
        expect(openSecretbox(box, nonce, flip(key, at, bits))).toBeUndefined();
      }),
    );
    expect(openSecretbox(box.subarray(0, 10), nonce, key)).toBeUndefined();
  });
});

describe('key files', () => {
  test.each(['ecdsaP256', 'ed25519'] as const)(
    "cosign's encrypted %s key signs for cosign's public key",
    (kind) => {
      const signing = readSigningKey(recorded[kind].privateKey, recorded.passphrase);
      const verification = readVerificationKey(recorded[kind].publicKey);
      if (!signing.ok || !verification.ok) throw new Error('a key of cosign cannot be read');
      expect(signing.value.hint).toBe(verification.value.hint);
      expect(verification.value.verify(utf8('firmware'), signing.value.sign(utf8('firmware')))).toBe(true);
    },
  );

  test("cosign's key does not open with another passphrase, nor without one", () => {
    const { privateKey } = recorded.ed25519;
    expect(readSigningKey(privateKey, 'guess')).toMatchObject({
      refusal: { message: expect.stringContaining('wrong passphrase') },
    });
    expect(readSigningKey(privateKey)).toMatchObject({
      refusal: { message: expect.stringContaining('give its passphrase') },
    });
  });

  test('a key file that asks for a terabyte of memory is refused', () => {
    const [head = '', body = '', tail = ''] = recorded.ed25519.privateKey.split(/(?<=KEY-----)|(?=-----END)/);
    const document = JSON.parse(Buffer.from(body, 'base64').toString());
    document.kdf.params.N = 2 ** 30;
    const greedy = `${head}\n${Buffer.from(JSON.stringify(document)).toString('base64')}\n${tail}`;
    expect(readSigningKey(greedy, 'pw')).toMatchObject({
      refusal: { code: 'too-large', place: 'kdf.params' },
    });
  });

  test('PKCS #8 in PEM is read for both algorithms, encrypted or not', () => {
    const pairs = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      generateKeyPairSync('ed25519').privateKey,
    ];
    for (const key of pairs) {
      const plain = key.export({ format: 'pem', type: 'pkcs8' }).toString();
      expect(readSigningKey(plain).ok).toBe(true);
      const options = { format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'pw' } as const;
      const sealed = key.export(options).toString();
      expect(readSigningKey(sealed, 'pw').ok).toBe(true);
      expect(readSigningKey(sealed, 'wrong').ok).toBe(false);
      expect(readSigningKey(sealed).ok).toBe(false);
    }
  });

  test('keys of other kinds are refused by their name', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    const pem = (key: typeof rsa): string => key.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(readSigningKey(pem(rsa))).toMatchObject({
      refusal: { message: expect.stringContaining('is rsa') },
    });
    expect(readSigningKey(pem(p384))).toMatchObject({
      refusal: { message: expect.stringContaining('secp384r1') },
    });
  });

  test('any text is refused in peace, and a private key is no public one', () => {
    const { privatePem } = ed25519Pair('private');
    expect(readVerificationKey(privatePem).ok).toBe(false);
    const anyText = fc.oneof(
      fc.string(),
      fc.base64String().map((body) => `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----`),
      fc.base64String().map((body) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(readVerificationKey(text).ok || readSigningKey(text, 'pw').ok).toBe(false);
      }),
    );
  });

  test('a signature over something else, or cut short, is not taken', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const read = readSigningKey(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    if (!read.ok) throw new Error(read.refusal.message);
    const signature = new Uint8Array(sign('sha256', utf8('a'), privateKey));
    expect(read.value.verify(utf8('a'), signature)).toBe(true);
    expect(read.value.verify(utf8('b'), signature)).toBe(false);
    expect(read.value.verify(utf8('a'), signature.subarray(0, 20))).toBe(false);
    expect(read.value.verify(utf8('a'), new Uint8Array(0))).toBe(false);
  });
});
