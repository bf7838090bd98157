const NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** What may stand beside Go's units; the last of each stands for every word that begins with it. */
const WORDS: readonly (readonly [nanos: bigint, ...names: readonly string[]])[] = [
  [1n, 'ns', 'nano'],
  [1_000n, 'us', 'µs', 'micro'],
  [1_000_000n, 'ms', 'milli'],
  [1_000_000_000n, 's', 'sec'],
  [60_000_000_000n, 'm', 'min'],
  [3_600_000_000_000n, 'h', 'hr', 'hour'],
  [86_400_000_000_000n, 'd', 'day'],
  [604_800_000_000_000n, 'w', 'wk', 'week'],
];

/**
 * Nanoseconds of a text of the schema format `duration`: one of Go's (`1h30m`, `-1.5s`), or any text in
 * which whole numbers stand before names of units (`3 weeks`); undefined for any other.
 * Source: k8s.io/kube-openapi, validation/strfmt/duration.go.
 */
export function parseDuration(text: string): bigint | undefined {
  return parseGoDuration(text) ?? inWords(text);
}

/** As a rule's `duration()` reads it. Source: Go, time.ParseDuration. */
export function parseGoDuration(text: string): bigint | undefined {
  const [, sign, parts = ''] =
    /^([+-]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|[smh]))+)$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  return sign === '-' ? -inGo(parts) : inGo(parts);
}

function inGo(parts: string): bigint {
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of parts.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|[smh])/g,
  )) {
    const scale = NANOS[unit] ?? 0n;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return total;
}

function inWords(text: string): bigint | undefined {
  let total: bigint | undefined;
  for (const [, count = '', word = ''] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    const unit = word.toLowerCase();
    for (const [nanos, ...names] of WORDS)
      for (const [index, name] of names.entries())
        if (unit === name || (index === names.length - 1 && unit.startsWith(name)))
          total = (total ?? 0n) + BigInt(count) * nanos;
  }
  return total;
}
