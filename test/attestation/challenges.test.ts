import { expect, test } from 'vitest';
import { Challenges } from '../../src/attestation/challenges.ts';
import { SeededRandom } from '../../src/random/random.ts';

const random = SeededRandom.ofSeed(7).split('nonces');
const randomBytes = (length: number) => random.bytes(length);

test('a challenge is answered at most once', () => {
  const challenges = new Challenges(randomBytes);
  const challenge = challenges.issue('a', 5);
  expect(challenge.nonce).toHaveLength(32);
  expect(challenges.take('a')).toEqual({ nonce: challenge.nonce, issuedAtMs: 5 });
  expect(challenges.take('a')).toBeUndefined();
});

test('a new challenge replaces the last one of that device only', () => {
  const challenges = new Challenges(randomBytes);
  const first = challenges.issue('a', 1);
  const other = challenges.issue('b', 1);
  const second = challenges.issue('a', 2);
  expect(second.nonce).not.toEqual(first.nonce);
  expect(challenges.take('a')).toEqual(second);
  expect(challenges.take('b')).toEqual(other);
});

test('beyond the limit the oldest is forgotten', () => {
  const challenges = new Challenges(randomBytes, { openMax: 2 });
  for (const device of ['a', 'b', 'a', 'c']) challenges.issue(device, 0);
  expect(challenges.openCount).toBe(2);
  expect(challenges.take('b')).toBeUndefined();
  expect(challenges.take('a')).toBeDefined();
  expect(challenges.take('c')).toBeDefined();
});
