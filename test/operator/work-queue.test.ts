import { expect, test } from 'vitest';
import { Metrics } from '../../operator/runtime/metrics.ts';
import { type Work, WorkQueue } from '../../operator/runtime/work-queue.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SeededRandom } from '../../src/random/random.ts';

function queueOf(work: (key: string, clock: VirtualClock) => ReturnType<Work>, concurrency = 4) {
  const clock = new VirtualClock();
  const ports = { clock, random: SeededRandom.ofSeed(1), metrics: new Metrics() };
  const queue = new WorkQueue(ports, { name: 'test', concurrency }, (key) => work(key, clock));
  queue.start();
  return { clock, queue, pass: (ms = 0) => clock.run(() => false, clock.nowMs + ms) };
}

test('a burst for one key is one run', async () => {
  const runs: string[] = [];
  const { queue, pass } = queueOf(async (key) => void runs.push(key));
  for (let index = 0; index < 100; index++) queue.add(index % 2 === 0 ? 'a' : 'b');
  await pass();
  expect(runs).toEqual(['a', 'b']);
});

test('a key is never in two hands, and what happens meanwhile is looked at afterwards', async () => {
  const hands = new Map<string, number>();
  let most = 0;
  let runs = 0;
  const { queue, pass } = queueOf(async (key, clock) => {
    hands.set(key, (hands.get(key) ?? 0) + 1);
    most = Math.max(most, hands.get(key) ?? 0);
    runs += 1;
    await clock.sleep(10);
    hands.set(key, (hands.get(key) ?? 0) - 1);
    return undefined;
  });
  queue.add('a');
  await pass(5);
  queue.add('a');
  queue.add('a');
  await pass(100);
  expect({ most, runs }).toEqual({ most: 1, runs: 2 });
});

test('no more keys are in hand than allowed', async () => {
  let inHand = 0;
  let most = 0;
  const { queue, pass } = queueOf(async (_, clock) => {
    inHand += 1;
    most = Math.max(most, inHand);
    await clock.sleep(10);
    inHand -= 1;
    return undefined;
  }, 3);
  for (let index = 0; index < 20; index++) queue.add(`key-${index}`);
  await pass(1_000);
  expect({ most, inHand, depth: queue.depth }).toEqual({ most: 3, inHand: 0, depth: 0 });
});

test('of several delays the shortest counts, and delays thin out a burst', async () => {
  const at: number[] = [];
  const { queue, clock, pass } = queueOf(async (_, { nowMs }) => void at.push(nowMs));
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 900);
  await pass(1_000);
  expect(at).toEqual([100]);
  for (let index = 0; index < 100; index++) {
    queue.addAfter('a', 2_000);
    await clock.run(() => false, clock.nowMs + 100);
  }
  await pass(5_000);
  expect(at.length).toBeLessThanOrEqual(1 + 6);
});

test('a key that fails comes back later and later, and soon again after a success', async () => {
  const at: number[] = [];
  let fails = true;
  const { queue, pass } = queueOf(async (_, { nowMs }) => {
    at.push(nowMs);
    if (fails) throw new Error('no');
    return undefined;
  });
  queue.add('a');
  await pass(60_000);
  const gaps = at.slice(1).map((atMs, index) => atMs - (at[index] ?? 0));
  for (const [index, gap] of gaps.entries()) {
    expect(gap).toBeGreaterThanOrEqual(125 * 2 ** index);
    expect(gap).toBeLessThanOrEqual(250 * 2 ** index);
  }
  fails = false;
  await pass(120_000);
  const quiet = at.length;
  await pass(600_000);
  expect(at).toHaveLength(quiet);
});

test('work may ask to be done again after a while, however short', async () => {
  const at: number[] = [];
  const { queue, pass } = queueOf(async (_, { nowMs }) => {
    at.push(nowMs);
    return at.length < 3 ? 1e-9 : undefined;
  });
  queue.add('a');
  await pass(100);
  expect(at).toEqual([0, 1, 2]);
});

test('a stopped queue lets what is in hand finish and begins nothing', async () => {
  const done: string[] = [];
  const { queue, clock, pass } = queueOf(async (key) => {
    await clock.sleep(10);
    done.push(key);
    return 1;
  }, 1);
  queue.add('a');
  queue.add('b');
  await pass(1);
  const stopped = queue.stop();
  queue.add('c');
  await pass(1_000);
  await stopped;
  expect(done).toEqual(['a']);
});
