/** How a fault's parameter is written in a scenario, and what reaches the world. */
export type FaultParameter =
  /** `40ms`; milliseconds. */
  | 'duration'
  /** `10%`; 0…1. */
  | 'percent'
  /** `3`; a whole number from 0. */
  | 'count'
  /** `64KiB`, or a bare byte number; bytes. */
  | 'size'
  /** `Device`, `rollout`; the kind's own name. */
  | 'kind'
  /** What an object or namespace is called. */
  | 'name'
  /** One of these words. */
  | readonly string[];

export interface FaultDescription {
  /** False: refused by name until it is. */
  readonly built: boolean;
  /** Where it strikes. Only `boards` faults take a selector. */
  readonly on: 'boards' | 'registry' | 'api' | 'operator' | 'broker';
  readonly does: string;
  readonly parameters: Readonly<Record<string, FaultParameter>>;
}

const describe = (
  built: boolean,
  on: FaultDescription['on'],
  does: string,
  parameters: Readonly<Record<string, FaultParameter>> = {},
): FaultDescription => ({ built, on, does, parameters });

// Which requests a fault of the API strikes; what is left out does not matter, but users are the operator and its agents.
const LOOKS = {
  kind: 'kind',
  user: ['operator', 'agent', 'akri', 'kubelet'],
  probability: 'percent',
  count: 'count',
} as const satisfies FaultDescription['parameters'];
const PAGES = { ...LOOKS, namespace: 'name' } as const;
const EVENTS = { ...PAGES, name: 'name' } as const;
const REQUESTS = {
  verb: ['get', 'list', 'watch', 'create', 'replace', 'patch', 'delete', 'deletecollection'],
  ...EVENTS,
} as const;

/**
 * Every fault a scenario may name, with what its parameters mean. Data, so that a misspelt one is
 * found before anything runs.
 */
export const FAULTS = {
  'link-partition': describe(true, 'boards', 'no message passes between board and broker'),
  'link-degrade': describe(true, 'boards', 'adds latency and loss to the link', {
    latency: 'duration',
    loss: 'percent',
  }),
  'power-cut': describe(
    true,
    'boards',
    'cuts power now, or inside flash operation `operation` at byte `byte` of the next update; healing restores it',
    { operation: 'count', byte: 'size' },
  ),
  'brown-out-loop': describe(
    true,
    'boards',
    'the supply sags whenever the radio starts, and inside flash operation `operation` at byte `byte` of the next update',
    { operation: 'count', byte: 'size' },
  ),
  'bit-flip': describe(true, 'boards', 'one bit of what the inactive slot holds flips, once'),
  'flash-worn-out': describe(true, 'boards', 'sectors of the inactive slot stop erasing'),
  'forged-evidence': describe(true, 'boards', 'the board alters its token after signing it'),
  'replayed-evidence': describe(true, 'boards', 'the board answers with its first token again'),
  'registry-unavailable': describe(true, 'registry', 'every request answers 503'),
  'registry-errors': describe(true, 'registry', 'requests answer 503', { probability: 'percent' }),
  'registry-throttled': describe(true, 'registry', 'requests answer 429 and say how long to wait', {
    probability: 'percent',
    'retry-after': 'duration',
  }),
  'registry-slow': describe(true, 'registry', 'content comes at `rate` bytes a second', { rate: 'size' }),
  'registry-stalled': describe(true, 'registry', 'content stops coming and nobody hangs up', {
    probability: 'percent',
  }),
  'registry-short-read': describe(true, 'registry', 'content ends half-way', { probability: 'percent' }),
  'registry-flipped-bytes': describe(true, 'registry', 'one bit of the content is inverted', {
    probability: 'percent',
  }),
  'registry-wrong-digest': describe(true, 'registry', 'references resolve to a digest that is not there'),
  'registry-swapped-manifest': describe(
    true,
    'registry',
    "a chip's manifest is answered with another one of the same repository",
  ),
  'registry-blob-deleted': describe(true, 'registry', 'blobs are gone'),
  'registry-token-expired': describe(
    true,
    'registry',
    'blobs stop half-way, and the token is refused when the client comes back for the rest; a new one is good',
  ),
  'registry-token-refused': describe(true, 'registry', 'every token is refused, new ones, too'),
  'api-conflict': describe(
    true,
    'api',
    'writes fail with 409, one in five unless `probability` says',
    REQUESTS,
  ),
  'api-unavailable': describe(true, 'api', 'requests answer 503', REQUESTS),
  'api-error': describe(
    true,
    'api',
    'requests answer 500, or `code`; with `carried-out: yes` only the answer is lost',
    { ...REQUESTS, code: ['500', '503', '504'], 'carried-out': ['no', 'yes'] },
  ),
  'api-throttled': describe(true, 'api', 'requests answer 429 and say how long to wait (1s)', {
    ...REQUESTS,
    'retry-after': 'duration',
  }),
  'api-slow': describe(true, 'api', 'requests take `latency` longer (5s)', {
    ...REQUESTS,
    latency: 'duration',
  }),
  'list-expired': describe(true, 'api', 'pages of a list after the first answer 410', PAGES),
  'api-restart': describe(
    true,
    'api',
    'the API server is away for everybody until the fault heals, then starts with its data but no past, or with `data: lost` as it was installed',
    { data: ['kept', 'lost'] },
  ),
  'watch-drop': describe(
    true,
    'api',
    'every open watch ends, once; with `probability` or `count` an event ends its watch instead of arriving',
    EVENTS,
  ),
  'watch-stall': describe(true, 'api', 'with its next event a watch falls silent and stays open', EVENTS),
  'watch-cut': describe(true, 'api', 'the connection of a watch breaks in the middle of an event', EVENTS),
  'watch-gone': describe(
    true,
    'api',
    'a watch ends with 410 instead of an event, or with `as: status` is refused with it',
    { ...EVENTS, as: ['event', 'status'] },
  ),
  'watch-delayed': describe(true, 'api', 'events, and all behind them, come `by` later (5s)', {
    ...EVENTS,
    by: 'duration',
  }),
  'watch-duplicated': describe(true, 'api', 'events arrive twice', EVENTS),
  'watch-bookmark-withheld': describe(true, 'api', 'bookmarks do not arrive', LOOKS),
  'operator-crash': describe(true, 'operator', 'the operator dies; a new one starts when the fault heals'),
  'agent-crash': describe(true, 'operator', 'every flash agent dies, once; its Pod fails'),
  'node-loss': describe(
    true,
    'operator',
    'the node falls silent and every flash agent on it dies; after 40 seconds it is unreachable, after five minutes more its Pods are evicted, and it is back when the fault heals',
  ),
  'clock-jump': describe(false, 'boards', "the board's clock jumps", { by: 'duration' }),
  'broker-restart': describe(false, 'broker', 'the broker restarts and forgets sessions'),
  'tag-moved': describe(true, 'registry', 'every tag points at the next one of its repository'),
  'two-leaders': describe(false, 'operator', 'a second operator believes it leads'),
} as const satisfies Readonly<Record<string, FaultDescription>>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** A fault as the engine hands it to the world: names checked, times resolved, boards chosen. */
export interface FaultOrder {
  readonly fault: FaultName;
  /** Names of the boards it strikes, sorted; empty for faults that strike elsewhere. */
  readonly boards: readonly string[];
  /** By the names of the catalogue: milliseconds, shares 0…1, counts, bytes. */
  readonly parameters: Readonly<Record<string, number>>;
  /** By the names of the catalogue: kinds, names, and one of several words. */
  readonly words?: Readonly<Record<string, string>>;
}
