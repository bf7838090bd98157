import { createHash } from 'node:crypto';
import {
  derBits,
  derExplicit,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derText,
  derTrue,
  derValue,
} from '../../../src/attestation/der.ts';
import { p256PublicKey, p256ScalarFromSeed } from '../../../src/attestation/p256.ts';
import { type SigningKey, signingKeyFromSeed } from '../../../src/attestation/signing-key.ts';
import {
  ecdsaSignature,
  SIGNATURE_ALGORITHM,
  subjectPublicKeyInfo,
} from '../../../src/attestation/x509-certificate.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';

/** A certificate and the key it is for, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

interface Name {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** A cluster here lives for a session; its certificates for a year. */
const LIFE_MS = 365 * 24 * 3600 * 1000;
/** For clocks that are a little behind. */
const LEEWAY_MS = 3600 * 1000;

const EXTENDED_KEY_USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
const OID = { commonName: '2.5.4.3', organization: '2.5.4.10' };

/** The cluster's own certificate authority: P-256 keys, X.509 v3. Source: RFC 5280. */
export class CertificateAuthority {
  /** PEM; whoever holds it can tell the cluster's servers and users from others. */
  readonly certificate: string;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #seed: Uint8Array;
  readonly #key: SigningKey;
  readonly #name: Name = { commonName: 'brickproof-ca' };

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#seed = random.bytes(32);
    this.#key = signingKeyFromSeed('ES256', this.#seed);
    const critical = derTrue();
    this.certificate = this.#sign(this.#name, this.#key.publicKey, [
      // keyCertSign and cRLSign are bits 5 and 6, digitalSignature bit 0, counted from the top.
      extension('2.5.29.15', derBits(Uint8Array.of(0x86), 1), critical),
      extension('2.5.29.19', derSequence(derTrue()), critical),
    ]);
  }

  /** For a server that is reached by these DNS names and IPv4 addresses. */
  server(names: readonly string[], addresses: readonly string[]): Credential {
    const alternatives = derSequence(
      ...names.map((name) => derText(0x82, name)),
      ...addresses.map((address) => derValue(0x87, Uint8Array.from(address.split('.').map(Number)))),
    );
    return this.#credential({ commonName: 'kube-apiserver' }, 'server', [
      extension('2.5.29.17', alternatives),
    ]);
  }

  /** For a user of this name in these groups. */
  client(commonName: string, organizations: readonly string[]): Credential {
    return this.#credential({ commonName, organizations }, 'client', []);
  }

  #credential(name: Name, usage: keyof typeof EXTENDED_KEY_USAGE, more: readonly Uint8Array[]): Credential {
    const seed = this.#random.bytes(32);
    const { publicKey } = signingKeyFromSeed('ES256', seed);
    const critical = derTrue();
    const certificate = this.#sign(name, publicKey, [
      extension('2.5.29.15', derBits(Uint8Array.of(0x80), 7), critical),
      extension('2.5.29.37', derSequence(derOid(EXTENDED_KEY_USAGE[usage]))),
      extension('2.5.29.19', derSequence(), critical),
      ...more,
    ]);
    return { certificate, key: privateKeyPem(seed) };
  }

  #sign(subject: Name, publicKey: Uint8Array, extensions: readonly Uint8Array[]): string {
    const algorithm = SIGNATURE_ALGORITHM.ES256;
    const serial = this.#random.bytes(16);
    const ids = [
      extension('2.5.29.14', derOctets(keyId(publicKey))),
      extension('2.5.29.35', derSequence(derValue(0x80, keyId(this.#key.publicKey)))),
    ];
    const toBeSigned = derSequence(
      derExplicit(0, derInteger(Uint8Array.of(2))),
      derInteger(serial),
      algorithm,
      nameOf(this.#name),
      this.#validity(),
      nameOf(subject),
      subjectPublicKeyInfo(publicKey),
      derExplicit(3, derSequence(...extensions, ...ids)),
    );
    const signature = derBits(ecdsaSignature(this.#key.sign(toBeSigned)));
    return pem('CERTIFICATE', derSequence(toBeSigned, algorithm, signature));
  }

  #validity(): Uint8Array {
    const { epochMs, nowMs } = this.#clock;
    const now = epochMs + nowMs;
    return derSequence(time(now - LEEWAY_MS), time(now + LIFE_MS));
  }
}

function extension(oid: string, value: Uint8Array, ...critical: readonly Uint8Array[]): Uint8Array {
  return derSequence(derOid(oid), ...critical, derOctets(value));
}

/** GeneralizedTime, which RFC 5280 section 4.1.2.5 wants from 2050 on only; before that UTCTime. */
function time(unixMs: number): Uint8Array {
  const digits = new Date(Math.floor(unixMs)).toISOString().replace(/\D/g, '').slice(0, 14);
  return Number(digits.slice(0, 4)) < 2050
    ? derText(0x17, `${digits.slice(2)}Z`)
    : derText(0x18, `${digits}Z`);
}

function nameOf({ commonName, organizations = [] }: Name): Uint8Array {
  const attribute = (oid: string, text: string): Uint8Array =>
    derSet(derSequence(derOid(oid), derText(0x0c, text)));
  return derSequence(
    ...organizations.map((one) => attribute(OID.organization, one)),
    attribute(OID.commonName, commonName),
  );
}

/** Source: RFC 5280 section 4.2.1.2, method 1. */
function keyId(publicKey: Uint8Array): Uint8Array {
  return createHash('sha1').update(Uint8Array.of(4)).update(publicKey).digest();
}

/** PKCS#8 around an ECPrivateKey. Source: RFC 5958; RFC 5915. */
function privateKeyPem(seed: Uint8Array): string {
  const scalar = p256ScalarFromSeed(seed);
  const bytes = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const point = Buffer.concat([Uint8Array.of(4), p256PublicKey(scalar)]);
  const one = derInteger(Uint8Array.of(1));
  const key = derSequence(one, derOctets(bytes), derExplicit(1, derBits(point)));
  const algorithm = derSequence(derOid('1.2.840.10045.2.1'), derOid('1.2.840.10045.3.1.7'));
  return pem('PRIVATE KEY', derSequence(derInteger(Uint8Array.of(0)), algorithm, derOctets(key)));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
