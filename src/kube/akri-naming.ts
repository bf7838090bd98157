import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * Akri's short name of a device: BLAKE2b with a 3-byte output over the device's id, and over the node's
 * name as well when only that node sees it. Six hex digits.
 *
 * Source: akri agent, discovery_handler_registry.rs. Twenty-four bits collide: about one chance in two at
 * 4,800 devices of one Configuration; `nameDevices` is how a handler avoids it.
 */
export function akriHash(deviceId: string, node?: string): string {
  return bytesToHex(blake2b(utf8ToBytes(deviceId + (node ?? '')), { dkLen: 3 }));
}

/**
 * Ids for Akri, one per device and none of them sharing a hash: a device whose hash is taken by one
 * before it in `deviceIds` gets a suffix `~1`, `~2`, … that frees it.
 *
 * Equal input gives equal names; give the ids sorted. Returns hash by device id. Whoever names the same devices
 * again and again passes a `hashOf` that remembers.
 */
export function nameDevices(
  deviceIds: readonly string[],
  hashOf: (deviceId: string) => string = akriHash,
): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const id of deviceIds) {
    let hash = hashOf(id);
    for (let suffix = 1; taken.has(hash); suffix++) hash = hashOf(`${id}~${suffix}`);
    taken.add(hash);
    names.set(id, hash);
  }
  return names;
}
