import { expect, test } from 'vitest';
import { akriHash, nameDevices } from '../../src/kube/akri-naming.ts';

// Recorded from Akri's own unit tests (agent, discovery_handler_registry.rs) and recomputed with BLAKE2b-24.
test.each([
  ['my_local_device', 'my_node', 'e77db4'],
  ['my_local_device', 'my_other_node', '099763'],
  ['my_shared_device', undefined, '4294ea'],
  ['192.168.11.131', undefined, '75dbd4'],
  ['192.168.11.131', 'cniot02', 'e7beef'],
  ['foo0', undefined, '8120fe'],
])('%s on %s hashes to what Akri makes of it', (id, node, hash) => {
  expect(akriHash(id, node)).toBe(hash);
});

test('ten thousand devices get ten thousand names, although a 24-bit hash collides among them', () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `esp32-${String(index).padStart(12, '0')}`);
  const plain = new Set(ids.map((id) => akriHash(id)));
  expect(plain.size).toBeLessThan(ids.length);
  expect(new Set(nameDevices(ids).values()).size).toBe(ids.length);
});
