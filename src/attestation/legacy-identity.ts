import { BoundedCache } from './bounded-cache.ts';
import { equalBytes } from './bytes.ts';
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

/** What was found out about a key and a MAC, which follows from them alone. */
const verdicts = new BoundedCache<boolean>(65_536);

/** Whether a UDS public key follows from `mac` by the rule above, as a key of the type that it is. */
export function isMacDerivedKey(udsPublicKey: Uint8Array, mac: Uint8Array): boolean {
  const algorithm = algorithmOfPublicKey(udsPublicKey);
  if (mac.length !== 6 || algorithm === undefined) return false;
  const question = Buffer.concat([mac, udsPublicKey]).toString('latin1');
  let verdict = verdicts.get(question);
  if (verdict === undefined) {
    const key = signingKeyFromSeed(algorithm, deriveKeySeed(legacyUdsOfMac(mac)));
    verdict = equalBytes(key.publicKey, udsPublicKey);
    verdicts.set(question, verdict);
  }
  return verdict;
}
