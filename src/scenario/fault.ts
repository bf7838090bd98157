/** Which boards a fault or an expectation is about; members narrow each other. */
export interface BoardSelector {
  readonly group?: string;
  readonly chip?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly boards?: readonly string[];
  /** Takes this many of those that match, chosen by the seed. */
  readonly count?: number;
}

/**
 * Every fault a scenario may name, with what its parameters mean. Data, so that a misspelt one is
 * found before anything runs. `built: false` is refused by name until it is.
 */
export const FAULTS = {
  'link-partition': { built: true, on: 'boards', does: 'no message passes between board and broker' },
  'link-degrade': {
    built: true,
    on: 'boards',
    does: 'adds latency and loss to the link (parameters `latency`, `loss`)',
  },
  'power-cut': {
    built: true,
    on: 'boards',
    does: 'cuts power now, or inside flash operation `operation` at byte `byte` of the next update',
  },
  'forged-evidence': { built: true, on: 'boards', does: 'the board alters its token after signing it' },
  'replayed-evidence': { built: true, on: 'boards', does: 'the board answers with its first token again' },
  'registry-unavailable': { built: true, on: 'registry', does: 'every request answers 503' },
  'api-conflict': {
    built: true,
    on: 'api',
    does: 'writes of the operator fail with 409 (parameter `probability`)',
  },
  'api-unavailable': { built: true, on: 'api', does: 'every request of the operator answers 503' },
  'watch-drop': { built: true, on: 'api', does: 'every open watch of the operator ends, once' },
  'operator-crash': {
    built: true,
    on: 'operator',
    does: 'the operator dies; a new one starts when the fault heals',
  },
  'bit-flip': { built: false, on: 'boards', does: 'one bit of the inactive slot flips' },
  'brown-out-loop': { built: false, on: 'boards', does: 'the supply sags whenever the radio starts' },
  'clock-jump': { built: false, on: 'boards', does: "the board's clock jumps" },
  'flash-worn-out': { built: false, on: 'boards', does: 'sectors stop erasing' },
  'broker-restart': { built: false, on: 'broker', does: 'the broker restarts and forgets sessions' },
  'tag-moved': { built: false, on: 'registry', does: 'a tag points elsewhere in mid-rollout' },
  'watch-stall': { built: false, on: 'api', does: 'watches stay open and say nothing' },
  'two-leaders': { built: false, on: 'operator', does: 'a second operator believes it leads' },
} as const satisfies Readonly<
  Record<string, { built: boolean; on: 'boards' | 'registry' | 'api' | 'operator' | 'broker'; does: string }>
>;

export type FaultName = keyof typeof FAULTS;

/** A fault as the engine hands it to the world: names checked, times resolved, boards chosen. */
export interface FaultOrder {
  readonly fault: FaultName;
  /** Names of the boards it strikes; empty for faults that strike elsewhere. */
  readonly boards: readonly string[];
  /** Numbers by name: milliseconds, probabilities 0…1, counts. */
  readonly parameters: Readonly<Record<string, number>>;
}
