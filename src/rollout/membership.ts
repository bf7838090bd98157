import { createHash } from 'node:crypto';

/** One device as membership sees it. */
export interface Member {
  readonly id: string;
  /** It was enrolled when the rollout began. */
  readonly existed: boolean;
}

/**
 * Place of a device in the order of one rollout: 48 bits of SHA-256 over both ids.
 *
 * The same device stands in the same place whenever the rollout is looked at, and elsewhere in the next
 * rollout, so that no device is the canary every time.
 */
export function rankOf(deviceId: string, rolloutUid: string): number {
  return createHash('sha256').update(`${rolloutUid}/${deviceId}`).digest().readUIntBE(0, 6);
}

/** Members sorted by rank, ties by id. */
export function inRankOrder<T extends Member>(members: readonly T[], rank: (id: string) => number): T[] {
  return members
    .map((member) => ({ member, place: rank(member.id) }))
    .sort((a, b) => a.place - b.place || (a.member.id < b.member.id ? -1 : 1))
    .map(({ member }) => member);
}

/**
 * How many of `count` devices the waves up to each one hold: the percentage rounded up, never fewer than before.
 *
 * Rounding up means that the first wave holds a device whenever the fleet does.
 */
export function waveBounds(count: number, percents: readonly number[]): number[] {
  let least = 0;
  return percents.map((percent) => {
    least = Math.max(least, Math.min(count, Math.ceil((count * percent) / 100)));
    return least;
  });
}

/**
 * The wave, from 0, of every device, in the order of `ranked`.
 *
 * Devices enrolled after the start join the last wave, so the early waves stay what they were. A device
 * that already has a job keeps that job's wave (`pinned`) whatever else changes.
 */
export function assignWaves(
  ranked: readonly Member[],
  percents: readonly number[],
  pinned: (id: string) => number | undefined,
): number[] {
  const last = Math.max(0, percents.length - 1);
  let existing = 0;
  for (const { existed } of ranked) if (existed) existing += 1;
  const bounds = waveBounds(existing, percents);
  let place = 0;
  let wave = 0;
  return ranked.map(({ id, existed }) => {
    if (existed) {
      while (wave < last && place >= (bounds[wave] ?? 0)) wave += 1;
      place += 1;
    }
    return pinned(id) ?? (existed ? wave : last);
  });
}
