const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800, 2_592_000,
].map((seconds) => seconds * 1000);

/** Round instants from 0 to `untilMs`, at most ten. */
export function timeTicks(untilMs: number): number[] {
  const stepMs = STEPS_MS.find((step) => untilMs / step <= 10) ?? untilMs;
  const ticks: number[] = [];
  for (let tick = 0; tick <= untilMs; tick += stepMs) ticks.push(tick);
  return ticks;
}

/** `0`, `45s`, `1h 30m`: exact, without needless parts. */
export function tickText(atMs: number): string {
  if (atMs === 0) return '0';
  let rest = atMs;
  const parts: string[] = [];
  for (const [unitMs, unit] of UNITS) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * unitMs;
  }
  return parts.length === 0 ? `${Math.round(atMs)}ms` : parts.slice(0, 2).join(' ');
}

/** Instant of the story, for lists: `1:02:03` hours, minutes, seconds. */
export function storyClock(atMs: number): string {
  const total = Math.floor(atMs / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(total / 3600)}:${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
}
