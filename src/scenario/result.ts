import type { Outcome } from '../device/outcome.ts';
import type { ChartSamples } from './engine/fleet-chart.ts';
import type { Note } from './engine/note.ts';
import type { Place } from './plan.ts';
import type { PropertyResult } from './properties/property-board.ts';
import type { BoardState, RegistryTraffic, WorldKind } from './world.ts';

/** How a run ends, as a process exit code. */
export const EXIT_CODE = {
  passed: 0,
  safety: 1,
  liveness: 2,
  expectation: 3,
  coverage: 4,
  usage: 64,
  unavailable: 69,
  bug: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

export const EXIT_CODE_MEANING: Readonly<Record<ExitCode, string>> = {
  0: 'passed',
  1: 'a safety property (always, never) was violated',
  2: 'some board did not reach a verdict after the last fault had healed',
  3: 'a step failed: something waited for or expected did not come in time',
  4: 'something that had to be seen (sometimes) was never seen',
  64: 'bad usage, or a scenario that cannot be run',
  69: 'something needed is unavailable, or not built yet',
  70: 'a bug in brickproof; a run that is not deterministic is one',
  130: 'interrupted',
};

/** `once`, `3 times`. */
export function timesText(count: number): string {
  return count === 1 ? 'once' : `${count.toLocaleString('en')} times`;
}

export interface StepResult {
  readonly number: number;
  readonly verb: string;
  readonly label: string;
  readonly place: Place;
  /** `skipped`: this world cannot do it, or the run ended before; `why` says which. */
  readonly status: 'passed' | 'failed' | 'skipped';
  /** What was seen, or why it failed or was skipped. */
  readonly why: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface FaultBand {
  readonly fault: string;
  readonly boards: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface WaveResult {
  readonly percent: number;
  readonly devices: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly excluded: number;
  readonly pending: number;
  readonly gate: string;
  readonly beganAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

export interface RolloutResult {
  readonly name: string;
  readonly firmware: string;
  readonly phase: string;
  readonly message: string;
  readonly createdAtMs: number;
  readonly waves: readonly WaveResult[];
}

/** A board whose evidence the operator turned away, and what it said of it. */
export interface RefusalResult {
  /** Its name; of several clones of one device, the address of one. */
  readonly board: string;
  /** What it truly is. */
  readonly identity: BoardState['identity'];
  /** A RefusalCode of src/attestation/appraisal.ts, or `duplicate-identity`. */
  readonly code: string;
  readonly message: string;
  /** The first time. */
  readonly atMs: number;
}

/** A board that a failure is about, with the last things that happened to it. */
export interface InvolvedBoard {
  readonly name: string;
  readonly chip: string;
  readonly state: string;
  readonly running: string;
  readonly history: readonly { readonly atMs: number; readonly text: string }[];
}

/** Everything that a run found out, as plain data. Reports are made of this and of nothing else. */
export interface RunResult {
  readonly scenario: string;
  readonly description: string;
  readonly world: WorldKind;
  readonly seed: number;
  readonly outcome: 'passed' | 'failed';
  readonly exitCode: ExitCode;
  /** One sentence: why it failed, first things first. Empty when it passed. */
  readonly failure: string;
  /** SHA-256 of the trace, lower-case hex. */
  readonly traceHash: string;
  readonly traceLines: number;
  readonly virtualDurationMs: number;
  readonly wallDurationMs: number;
  readonly events: number;
  readonly boards: number;
  /** Devices by the outcome of their last update; `none` were never updated. */
  readonly devices: Readonly<Partial<Record<Outcome | 'none' | 'pending', number>>>;
  /** Every update that was settled during the run, by outcome. */
  readonly updates: Readonly<Partial<Record<Outcome, number>>>;
  readonly refused: readonly RefusalResult[];
  readonly steps: readonly StepResult[];
  readonly properties: readonly PropertyResult[];
  readonly rollouts: readonly RolloutResult[];
  readonly faults: readonly FaultBand[];
  /** What the registry sent to each node, by kind of content. */
  readonly registry: readonly RegistryTraffic[];
  readonly notes: readonly Note[];
  /** Notes that were told and not kept. */
  readonly notesDropped: number;
  readonly chart: ChartSamples;
  readonly involved: readonly InvolvedBoard[];
}
