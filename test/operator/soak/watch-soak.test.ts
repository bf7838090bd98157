import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import type { EmbeddedCluster } from '../../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../../sim/cluster/http/http-door.ts';
import { EmbeddedSoak, GAPS, type ReaderDoor, TROUBLES } from './embedded-soak.ts';

const RESTARTS = [
  { atMinute: 12, data: 'kept' },
  { atMinute: 23, data: 'lost' },
  { atMinute: 37, data: 'kept' },
  { atMinute: 48, data: 'lost' },
] as const;

/** Turns of the host's loop in which bytes go back and forth after each quarter of a virtual second. */
const TURNS = 6;

async function overHttp(cluster: EmbeddedCluster, token: string): Promise<ReaderDoor> {
  const door = new HttpDoor(cluster);
  const url = await door.listen();
  return {
    kube: ClientNodeKubeApi.connect({ url, token }),
    close: () => door.close(),
    settle: async () => {
      for (let count = 0; count < TURNS; count++) await turn();
    },
  };
}

/** What holds at the end of every soak, whatever went wrong in it. */
async function expectWhole(soak: EmbeddedSoak): Promise<void> {
  const truth = await soak.truth();
  expect(soak.copy).toEqual(truth);
  expect(soak.ledger.objects).toEqual(truth);
  expect(soak.ledger.contradictions).toEqual([]);
  // The hour was one: much was written, most of it was told, and every fault struck.
  expect(soak.churn.writes).toBeGreaterThan(5_000);
  expect(soak.ledger.told).toBeGreaterThan(soak.churn.writes / 2);
  // No event was kept from the handlers behind the reflector's back.
  expect(soak.counted('missed-event')).toBe(0);
  expect(soak.counted('audited')).toBeGreaterThan(2);
  // Flat: one watch, and no more timers than a pause, a guard and a sleep.
  expect(soak.mostWatches).toBeLessThan(2);
  expect(soak.readersClock.mostPending).toBeLessThan(4);
  await soak.stop();
  expect([soak.cluster.server.watches.count, soak.readersClock.pending]).toEqual([0, 0]);
}

test.each([1, 2, 3, 4])('an hour of everything at once leaves nothing untold (seed %i)', async (seed) => {
  const faults = [...TROUBLES, ...GAPS];
  const soak = await EmbeddedSoak.start({ seed, faults, restarts: RESTARTS });
  await soak.run();
  for (const { fault } of faults) expect([fault, soak.struck(fault) > 0]).toEqual([fault, true]);
  expect(soak.counted('went-back')).toBeGreaterThan(0);
  expect(soak.counted('expired')).toBeGreaterThan(0);
  await expectWhole(soak);
});

test('as long as the server forgets nothing, one list and an hour of trouble tell every event, each once', async () => {
  const soak = await EmbeddedSoak.start({ seed: 5, faults: TROUBLES });
  await soak.run();
  expect([soak.counted('listed'), soak.counted('gap-event')]).toEqual([1, 0]);
  expect(soak.ledger.told - soak.first.told).toBe(soak.churn.writes - soak.first.writes);
  await expectWhole(soak);
});

test.each([6, 7])('so over a port, through the official client (seed %i)', async (seed) => {
  const faults = [...TROUBLES, ...GAPS];
  const soak = await EmbeddedSoak.start({ seed, faults, restarts: RESTARTS, door: overHttp });
  await soak.run();
  for (const { fault } of faults) expect([fault, soak.struck(fault) > 0]).toEqual([fault, true]);
  expect(soak.counted('went-back')).toBeGreaterThan(0);
  await expectWhole(soak);
});
