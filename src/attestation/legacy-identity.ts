import { BoundedCache } from './bounded-cache.ts';
import { equalBytes, hexOf } from './bytes.ts';
import { ASYM_SALT, deriveKeySeed, kdf, SECRET_BYTES } from './dice.ts';
import { algorithmOfPublicKey, signingKeyFromSeed } from './signing-key.ts';

/**
 * The UDS that nubificus firmware computes from the station MAC.
 *
 * Every Wi-Fi frame carries that MAC, so anybody near the board can compute this secret, and with it every key
 * and every attestation of the board. Kept to recognise such identities, never to issue one.
 * Source: nubificus/ota-service src/dice_cert.c.
 */
export function legacyUdsOfMac(mac: Uint8Array): Uint8Array {
  if (mac.length !== 6) throw new RangeError(`a MAC address has 6 bytes, not ${mac.length}`);
  return kdf(SECRET_BYTES, mac, ASYM_SALT, 'UDS hkdf');
}

const keysOfMac = new BoundedCache<Uint8Array>(65_536);

/** Whether a UDS public key, of either type, follows from `mac` by the rule above. */
export function isMacDerivedKey(udsPublicKey: Uint8Array, mac: Uint8Array): boolean {
  const algorithm = algorithmOfPublicKey(udsPublicKey);
  if (mac.length !== 6 || algorithm === undefined) return false;
  const entry = `${algorithm} ${hexOf(mac)}`;
  let key = keysOfMac.get(entry);
  if (key === undefined) {
    key = signingKeyFromSeed(algorithm, deriveKeySeed(legacyUdsOfMac(mac))).publicKey;
    keysOfMac.set(entry, key);
  }
  return equalBytes(key, udsPublicKey);
}
