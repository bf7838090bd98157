import { hash } from 'node:crypto';

/**
 * Derivations of the Open Profile for DICE, version 2.6, with SHA-512 and HKDF-SHA-512.
 * Source: open-dice docs/specification.md, "Layering details" and "Cryptography".
 */

/** Bytes of each of a layer's code, configuration, authority and hidden inputs. */
export const INPUT_BYTES = 64;
/** Bytes of a UDS, a CDI and a key seed. */
export const SECRET_BYTES = 32;
const ID_BYTES = 20;

/** Salt of every key seed. */
export const ASYM_SALT: Uint8Array = Buffer.from(
  '63b6a04d2c077fc10f639f21da793844356cc2b0b441b3a77124035c03f8e1be6035d31f282821a7450a02222ab1b3cff1679b05ab1ca5d1affb789ccd2b0b3b',
  'hex',
);
const ID_SALT = Buffer.from(
  'dbdbaebc8020da9ff0dd5a24c83aa5a54286dfc263031e329b4da148430659fe62cdb5b7e1e00fc680306711eb444af77209359496fcff1db9520ba51c7b29ea',
  'hex',
);

/** In the order of their wire values 0 to 3. */
export const DICE_MODES = ['not-configured', 'normal', 'debug', 'recovery'] as const;
export type DiceMode = (typeof DICE_MODES)[number];

/** Either 64 bytes taken as they are, or a descriptor of any length whose hash is the input. */
export type DiceConfiguration =
  | { readonly kind: 'inline'; readonly value: Uint8Array }
  | { readonly kind: 'descriptor'; readonly descriptor: Uint8Array };

/** What one layer knows about the next one when it hands over. */
export interface DiceInputs {
  readonly codeHash: Uint8Array;
  readonly codeDescriptor?: Uint8Array;
  readonly configuration: DiceConfiguration;
  readonly authorityHash: Uint8Array;
  readonly authorityDescriptor?: Uint8Array;
  readonly mode: DiceMode;
  /** Goes into both CDIs and never into a certificate. */
  readonly hidden: Uint8Array;
}

/** Compound device identifiers of a layer: `attest` changes with every update, `seal` only with authority or mode. */
export interface Cdis {
  readonly attest: Uint8Array;
  readonly seal: Uint8Array;
}

/** The next layer's CDIs. The first layer's parent is the UDS in both places. */
export function deriveCdis(parent: Cdis, inputs: DiceInputs): Cdis {
  const sealInput = hash512(inputs.authorityHash, modeByte(inputs.mode), inputs.hidden);
  return {
    attest: deriveAttestCdi(parent.attest, inputs),
    seal: kdf(SECRET_BYTES, parent.seal, sealInput, 'CDI_Seal'),
  };
}

/** The attestation half of `deriveCdis`, for a layer that seals nothing. */
export function deriveAttestCdi(parentAttest: Uint8Array, inputs: DiceInputs): Uint8Array {
  const salt = hash512(
    inputs.codeHash,
    configurationInput(inputs.configuration),
    inputs.authorityHash,
    modeByte(inputs.mode),
    inputs.hidden,
  );
  return kdf(SECRET_BYTES, parentAttest, salt, 'CDI_Attest');
}

/** Seed of a layer's certificate-signing key, from its attest CDI or from the UDS. */
export function deriveKeySeed(cdiAttestOrUds: Uint8Array): Uint8Array {
  return kdf(SECRET_BYTES, cdiAttestOrUds, ASYM_SALT, 'Key Pair');
}

/**
 * Seed of the key that signs tokens. DICE wants it apart from the key that signs certificates and leaves the
 * derivation to the layer; the label is ours.
 */
export function deriveAttestationKeySeed(cdiAttest: Uint8Array): Uint8Array {
  return kdf(SECRET_BYTES, cdiAttest, ASYM_SALT, 'brickproof Attestation Key Pair');
}

/**
 * 20-byte identifier of a raw public key (32 bytes Ed25519, X‖Y 64 bytes P-256). The top bit is cleared so that
 * it is a positive integer as a certificate serial number.
 */
export function deriveId(publicKey: Uint8Array): Uint8Array {
  const id = kdf(ID_BYTES, publicKey, ID_SALT, 'ID');
  id[0] = (id[0] ?? 0) & 0x7f;
  return id;
}

/** The 64 bytes that go into the attest CDI for a configuration. */
export function configurationInput(configuration: DiceConfiguration): Uint8Array {
  return configuration.kind === 'inline' ? configuration.value : hash512(configuration.descriptor);
}

export function modeByte(mode: DiceMode): Uint8Array {
  return Uint8Array.of(DICE_MODES.indexOf(mode));
}

/**
 * HKDF-SHA-512 of at most 64 bytes, which is one step of it; `label` is the info text. Source: RFC 5869 section 2.
 *
 * Four hashes in one call each: node:crypto's hkdfSync makes a key object first, which costs more than they do.
 */
export function kdf(length: number, keyMaterial: Uint8Array, salt: Uint8Array, label: string): Uint8Array {
  if (length > HASH_BYTES) throw new RangeError(`one step derives ${HASH_BYTES} bytes, not ${length}`);
  const pseudorandomKey = hmac(salt, keyMaterial);
  return new Uint8Array(hmac(pseudorandomKey, Buffer.from(`${label}\x01`, 'latin1')).subarray(0, length));
}

/** Bytes that SHA-512 gives, and bytes that it takes at once. */
const HASH_BYTES = 64;
const BLOCK_BYTES = 128;

/** What is hashed, written anew each time; the longest messages here are keys and salts. */
const inner = new Uint8Array(BLOCK_BYTES + 256);
const outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES);

/** HMAC-SHA-512 under a key of at most a block. Source: RFC 2104. */
function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  inner.fill(0x36, key.length, BLOCK_BYTES);
  outer.fill(0x5c, key.length, BLOCK_BYTES);
  for (let index = 0; index < key.length; index++) {
    const byte = key[index] ?? 0;
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  inner.set(message, BLOCK_BYTES);
  outer.set(hash('sha512', inner.subarray(0, BLOCK_BYTES + message.length), 'buffer'), BLOCK_BYTES);
  return hash('sha512', outer, 'buffer');
}

function hash512(...parts: readonly Uint8Array[]): Uint8Array {
  return hash('sha512', Buffer.concat(parts), 'buffer');
}
