import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { encodeCdiCertificate } from './cdi-certificate.ts';
import {
  type DiceConfiguration,
  type DiceInputs,
  type DiceMode,
  deriveAttestationKeySeed,
  deriveAttestCdi,
  deriveKeySeed,
  INPUT_BYTES,
} from './dice.ts';
import { type SignatureAlgorithm, type SigningKey, signingKeyFromSeed } from './signing-key.ts';

/** What is fixed about a board until its bootloader changes. */
export interface BootloaderState {
  /** Unique device secret: 32 random bytes, never leaves the board. */
  readonly uds: Uint8Array;
  /** SHA-256 of the bootloader. */
  readonly bootloaderDigest: Uint8Array;
  readonly mode: DiceMode;
  /** EdDSA unless stated. */
  readonly algorithm?: SignatureAlgorithm;
}

/** What a boot measured. Two boots with equal states have equal certificates. */
export interface BootState extends BootloaderState {
  /** SHA-256 of the image that was started. */
  readonly applicationDigest: Uint8Array;
  /** Anti-rollback version of that image. */
  readonly secureVersion: number;
}

/** A layer that certifies the next one. */
export interface BootloaderLayer {
  readonly cdiAttest: Uint8Array;
  readonly key: SigningKey;
  /** The layer's key, certified by the UDS key. */
  readonly certificate: Uint8Array;
}

/** What the application is left with: its attestation key and the certificates that lead to it. */
export interface BootIdentity {
  readonly chain: readonly [Uint8Array, Uint8Array];
  readonly attestationKey: SigningKey;
}

/** Stated in certificates of the P-256 profile; Ed25519 is the default one and goes unnamed. */
const P256_PROFILE = { profileName: 'brickproof.p256' } as const;

/** Descriptor labels. Source: open-dice docs/android.md, "Configuration descriptor". */
const COMPONENT_NAME = -70002;
const SECURITY_VERSION = -70005;

/** Raw public key of a UDS: what an operator enrols, once, in the factory. */
export function udsPublicKey(uds: Uint8Array, algorithm: SignatureAlgorithm = 'EdDSA'): Uint8Array {
  return signingKeyFromSeed(algorithm, deriveKeySeed(uds)).publicKey;
}

/** The ROM measures the bootloader, derives its CDI from the UDS, and certifies its key with the UDS key. */
export function deriveBootloaderLayer(state: BootloaderState): BootloaderLayer {
  const { algorithm = 'EdDSA' } = state;
  const inputs = layerInputs(state.bootloaderDigest, state.mode, componentDescriptor('bootloader'));
  const issuer = signingKeyFromSeed(algorithm, deriveKeySeed(state.uds));
  const cdiAttest = deriveAttestCdi(state.uds, inputs);
  const key = signingKeyFromSeed(algorithm, deriveKeySeed(cdiAttest));
  return { cdiAttest, key, certificate: certify(issuer, key, inputs, 'certificates') };
}

/**
 * The bootloader measures the application, derives its CDI, and certifies the attestation key that follows from it.
 *
 * The application starts no further layer, so it gets no certificate-signing key: its one key signs tokens.
 */
export function deriveBootIdentity(state: BootState, bootloader: BootloaderLayer): BootIdentity {
  const descriptor = componentDescriptor('application', state.secureVersion);
  const inputs = layerInputs(state.applicationDigest, state.mode, descriptor);
  const cdiAttest = deriveAttestCdi(bootloader.cdiAttest, inputs);
  const key = signingKeyFromSeed(state.algorithm ?? 'EdDSA', deriveAttestationKeySeed(cdiAttest));
  return {
    chain: [bootloader.certificate, certify(bootloader.key, key, inputs, 'tokens')],
    attestationKey: key,
  };
}

/** The 64-byte code input of a SHA-256 measurement: the digest, then zeros. */
export function codeInputOf(digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError(`a SHA-256 digest has 32 bytes, not ${digest.length}`);
  const input = new Uint8Array(INPUT_BYTES);
  input.set(digest);
  return input;
}

/** The secure version that a certificate vouches for; undefined when it states none. */
export function certifiedSecureVersion(configuration: DiceConfiguration): number | undefined {
  if (configuration.kind !== 'descriptor') return undefined;
  const decoded = decodeCbor(configuration.descriptor, 256, 'the configuration descriptor');
  const version =
    decoded.ok && decoded.value instanceof Map ? decoded.value.get(SECURITY_VERSION) : undefined;
  return typeof version === 'number' ? version : undefined;
}

function componentDescriptor(name: string, secureVersion?: number): Uint8Array {
  const entries: [CborValue, CborValue][] = [[COMPONENT_NAME, name]];
  if (secureVersion !== undefined) entries.push([SECURITY_VERSION, secureVersion]);
  return encodeCbor(new Map(entries));
}

function layerInputs(digest: Uint8Array, mode: DiceMode, descriptor: Uint8Array): DiceInputs {
  return {
    codeHash: codeInputOf(digest),
    configuration: { kind: 'descriptor', descriptor },
    // No secure boot yet, so no authority: nobody signed what runs.
    authorityHash: NOTHING_64,
    mode,
    hidden: NOTHING_64,
  };
}

const NOTHING_64 = new Uint8Array(INPUT_BYTES);

function certify(
  issuer: SigningKey,
  subject: SigningKey,
  inputs: DiceInputs,
  keyUsage: 'certificates' | 'tokens',
): Uint8Array {
  const request = { issuer, subjectPublicKey: subject.publicKey, inputs };
  const profiled = subject.algorithm === 'ES256' ? { ...request, ...P256_PROFILE } : request;
  // A copy: what the encoder gives is a view of a large buffer, which would live as long as the certificate.
  return encodeCdiCertificate(profiled, keyUsage).slice();
}
