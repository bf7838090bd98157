import { isKubeError } from '../../kube/error.ts';
import { SeededRandom } from '../../random/random.ts';
import { formatDuration } from '../../time/duration.ts';
import type { PlannedStep, ScenarioPlan } from '../plan.ts';
import type { Sighting } from '../properties/monitor.ts';
import type { PropertyResult } from '../properties/property-board.ts';
import { EXIT_CODE, type ExitCode, type RunResult, type StepResult } from '../result.ts';
import { type World, WorldError } from '../world.ts';
import { applyObjects } from './apply.ts';
import { expectCount } from './expect.ts';
import { FaultDesk } from './fault-desk.ts';
import { judgeLiveness, LIVENESS_NOT_JUDGED } from './liveness.ts';
import type { Note } from './note.ts';
import { Observatory, type Stage, StepFailure } from './observatory.ts';
import { waitForObject } from './wait.ts';

export interface RunOptions {
  /** Goes on after a violation of a safety property; otherwise the first one ends the run. */
  readonly keepGoing?: boolean;
  /** Ends the run between two events. */
  readonly signal?: AbortSignal;
  /** Gets the trace in chunks of whole lines. */
  readonly traceSink?: (chunk: string) => void;
  /** Told as it happens. */
  readonly onNote?: (note: Note) => void;
  /** Called after every event; must be cheap. */
  readonly onProgress?: (progress: Progress) => void;
  /** Real milliseconds from some start, for the report only. */
  readonly wallClockMs: () => number;
}

/** What a run is doing; the same object for the whole run, read at any instant. */
export interface Progress {
  readonly nowMs: number;
  readonly step: number;
  readonly steps: number;
  readonly doing: string;
  readonly events: number;
  /** Boards by what they are doing. */
  readonly boards: ReadonlyMap<string, number>;
  readonly rollouts: readonly {
    readonly name: string;
    readonly phase: string;
    readonly gates: readonly string[];
  }[];
}

/** Why a run ended before its story did. */
type Stop =
  | { readonly kind: 'violation' | 'interrupted' | 'budget'; readonly why: string }
  | { readonly kind: 'bug'; readonly error: unknown };

class Stopped extends Error {}

/**
 * Tells a scenario to a world and judges what happens.
 *
 * Rejects with ScenarioError, WorldError or an unexpected error when the story could not be told;
 * everything else, failures included, is in the result. The world is stopped in any case.
 */
export async function runScenario(plan: ScenarioPlan, world: World, options: RunOptions): Promise<RunResult> {
  const engine = new Engine(plan, world, options);
  try {
    return await engine.run();
  } finally {
    engine.close();
    await world.stop();
  }
}

class Engine {
  readonly #plan: ScenarioPlan;
  readonly #world: World;
  readonly #options: RunOptions;
  readonly #observatory: Observatory;
  readonly #faults: FaultDesk;
  readonly #stage: Stage;
  readonly #ended = new AbortController();
  readonly #steps: StepResult[] = [];
  readonly #progress: Progress & { step: number; doing: string };
  #stop: Stop | undefined;
  #liveness: PropertyResult = LIVENESS_NOT_JUDGED;

  constructor(plan: ScenarioPlan, world: World, options: RunOptions) {
    this.#plan = plan;
    this.#world = world;
    this.#options = options;
    this.#observatory = new Observatory(plan, world, {
      onViolation: (property, sighting) => this.#onViolation(property, sighting),
      ...(options.traceSink !== undefined && { traceSink: options.traceSink }),
      ...(options.onNote !== undefined && { onNote: options.onNote }),
    });
    this.#faults = new FaultDesk(world, (error) => this.#onBug(error));
    this.#stage = {
      plan,
      world,
      observatory: this.#observatory,
      random: SeededRandom.ofSeed(plan.seed).split('story'),
      advance: (done, deadlineMs) => this.#advance(done, deadlineMs),
    };
    this.#progress = makeProgress(plan, world, this.#observatory);
  }

  async run(): Promise<RunResult> {
    const startedMs = this.#options.wallClockMs();
    this.#world.onEvent((event) => {
      // A listener that throws would take the world down with it; the run ends at the next instant instead.
      try {
        this.#observatory.onEvent(event);
      } catch (error) {
        this.#onBug(error);
      }
    });
    await this.#world.start();
    await this.#observatory.cluster.start(this.#ended.signal, (error) => this.#onBug(error));
    try {
      for (const step of this.#plan.steps) {
        await this.#runStep(step);
        if (this.#steps.at(-1)?.status === 'failed') break;
      }
      await this.#settle();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    if (this.#stop?.kind === 'bug') throw this.#stop.error;
    this.#skipRest();
    return this.#result(this.#options.wallClockMs() - startedMs);
  }

  close(): void {
    this.#ended.abort();
  }

  async #runStep(step: PlannedStep): Promise<void> {
    const { clock } = this.#world;
    const startMs = clock.nowMs;
    this.#progress.step = step.number;
    this.#progress.doing = step.label;
    const record = (status: StepResult['status'], why: string, startedAtMs: number): void => {
      const { number, verb, label, place } = step;
      this.#steps.push({ number, verb, label, place, status, why, startedAtMs, endedAtMs: clock.nowMs });
      if (status === 'passed') return;
      const tone = status === 'failed' ? 'bad' : 'warning';
      this.#note({ topic: 'step', tone, text: `step ${number} ${status}: ${label}: ${why}` });
    };
    const dueMs = step.atMs ?? startMs + (step.afterMs ?? 0);
    try {
      if (dueMs > startMs) await this.#advance(() => false, dueMs);
      const late = startMs > dueMs ? `; ${formatDuration(startMs - dueMs)} later than asked` : '';
      const beganMs = clock.nowMs;
      record('passed', (await this.#perform(step)) + late, beganMs);
    } catch (error) {
      if (error instanceof StepFailure) record('failed', error.message, startMs);
      else if (error instanceof WorldError && error.code === 'unsupported')
        record('skipped', error.message, startMs);
      else if (isKubeError(error, 'Unreachable'))
        throw new WorldError('unavailable', `the cluster cannot be reached: ${error.message}`, {
          cause: error,
        });
      else if (isKubeError(error)) record('failed', error.message, startMs);
      else if (error instanceof Stopped) {
        const status = this.#stop?.kind === 'budget' ? 'failed' : 'skipped';
        record(
          status,
          this.#stop === undefined || this.#stop.kind === 'bug' ? 'a bug' : this.#stop.why,
          startMs,
        );
        throw error;
      } else throw error;
    }
  }

  async #perform(step: PlannedStep): Promise<string> {
    switch (step.verb) {
      case 'apply':
        return applyObjects(this.#stage, step.objects);
      case 'delete':
        for (const { kind, key } of step.objects) await this.#world.kube.delete(kind, key);
        return 'deleted';
      case 'inject':
        await this.#faults.inject(step.order, step.forMs);
        return step.forMs === undefined ? 'on' : `on for ${formatDuration(step.forMs)}`;
      case 'heal':
        return `${await this.#faults.heal(step.fault)} healed`;
      case 'wait':
        return waitForObject(this.#stage, step, (error) => this.#onBug(error));
      case 'expect':
        return expectCount(this.#stage, step);
    }
  }

  /** After the last step: faults run out or are healed, and then everything must come to rest. */
  async #settle(): Promise<void> {
    if (this.#steps.some((step) => step.status === 'failed')) return;
    this.#progress.doing = 'letting the faults end';
    if (this.#faults.timedLeft)
      await this.#advance(() => !this.#faults.timedLeft, this.#faults.lastEndsAtMs + 1);
    await this.#faults.healAll();
    this.#progress.doing = 'waiting for every board to settle';
    this.#liveness = await judgeLiveness(this.#stage);
  }

  async #advance(done: () => boolean, deadlineMs: number): Promise<boolean> {
    const { budgetMs } = this.#plan;
    const { signal, onProgress } = this.#options;
    // Nothing may be left unjudged when the first answer is given.
    const asked = (): boolean => {
      this.#observatory.settleInstant();
      onProgress?.(this.#progress);
      if (signal?.aborted === true && this.#stop === undefined)
        this.#stop = { kind: 'interrupted', why: 'the run was interrupted' };
      return this.#stop !== undefined || done();
    };
    const reached = await this.#world.runUntil(asked, Math.min(deadlineMs, budgetMs));
    this.#observatory.settleInstant();
    if (this.#stop === undefined && !reached && deadlineMs > budgetMs)
      this.#stop = { kind: 'budget', why: `the budget of ${formatDuration(budgetMs)} is used up` };
    if (this.#stop !== undefined) throw new Stopped();
    return reached;
  }

  #skipRest(): void {
    const last = this.#steps.at(-1);
    const stop = this.#stop;
    const why = stop !== undefined && stop.kind !== 'bug' ? stop.why : `step ${last?.number} failed`;
    for (const { number, verb, label, place } of this.#plan.steps.slice(this.#steps.length)) {
      const atMs = this.#world.clock.nowMs;
      this.#steps.push({
        number,
        verb,
        label,
        place,
        status: 'skipped',
        why,
        startedAtMs: atMs,
        endedAtMs: atMs,
      });
    }
  }

  #onViolation(property: string, sighting: Sighting): void {
    const { board, message } = sighting;
    const text = `${property} violated: ${message}`;
    this.#observatory.note({
      atMs: sighting.atMs,
      topic: 'property',
      tone: 'bad',
      text,
      ...(board !== undefined && { board }),
    });
    if (this.#options.keepGoing !== true)
      this.#stop ??= { kind: 'violation', why: `the run ended when ${property} was violated` };
  }

  #onBug(error: unknown): void {
    if (this.#stop?.kind !== 'bug') this.#stop = { kind: 'bug', error };
  }

  #note(note: Omit<Note, 'atMs'>): void {
    this.#observatory.note({ atMs: this.#world.clock.nowMs, ...note });
  }

  #result(wallDurationMs: number): RunResult {
    const world = this.#world;
    const seen = this.#observatory;
    const endedEarly = this.#stop !== undefined || this.#steps.some((step) => step.status === 'failed');
    const properties = [...seen.properties.results(endedEarly), this.#liveness];
    const { exitCode, failure } = this.#verdict(properties);
    seen.chart.advanceTo(world.clock.nowMs);
    const guilty = properties
      .filter((property) => property.verdict === 'failed')
      .flatMap((property) => property.first.flatMap((sighting) => sighting.board ?? []));
    return {
      scenario: this.#plan.name,
      description: this.#plan.description,
      world: world.kind,
      seed: this.#plan.seed,
      outcome: exitCode === EXIT_CODE.passed ? 'passed' : 'failed',
      exitCode,
      failure,
      traceHash: seen.trace.close(),
      traceLines: seen.trace.lines,
      virtualDurationMs: world.clock.nowMs,
      wallDurationMs,
      events: world.eventCount,
      boards: world.boards.length,
      devices: seen.updates.devices(seen.cluster.devices.objects),
      updates: seen.updates.updates(),
      refused: seen.refusals.results(),
      steps: this.#steps,
      properties,
      rollouts: seen.rollouts.results(),
      faults: this.#faults.bands(),
      registry: [...world.traffic],
      notes: seen.notes,
      notesDropped: seen.notesDropped,
      chart: seen.chart.samples(),
      involved: seen.involved(guilty),
    };
  }

  /** The gravest failure decides: safety, then steps, then liveness, then coverage. */
  #verdict(properties: readonly PropertyResult[]): { exitCode: ExitCode; failure: string } {
    const failed = (...kinds: PropertyResult['kind'][]): PropertyResult | undefined =>
      properties.find((property) => property.verdict === 'failed' && kinds.includes(property.kind));
    const safety = failed('always', 'never');
    if (safety !== undefined)
      return { exitCode: EXIT_CODE.safety, failure: `${safety.name}: ${safety.first[0]?.message ?? ''}` };
    if (this.#stop?.kind === 'interrupted')
      return { exitCode: EXIT_CODE.interrupted, failure: this.#stop.why };
    const step = this.#steps.find((entry) => entry.status === 'failed');
    if (step !== undefined)
      return { exitCode: EXIT_CODE.expectation, failure: `step ${step.number}, ${step.label}: ${step.why}` };
    const liveness = failed('liveness');
    if (liveness !== undefined || this.#stop?.kind === 'budget') {
      const why = liveness?.first[0]?.message ?? 'the budget was used up before every board had settled';
      return { exitCode: EXIT_CODE.liveness, failure: `every-board-settles: ${why}` };
    }
    const unseen = failed('sometimes');
    if (unseen !== undefined)
      return {
        exitCode: EXIT_CODE.coverage,
        failure: `${unseen.name} was never seen: ${unseen.description}`,
      };
    return { exitCode: EXIT_CODE.passed, failure: '' };
  }
}

function makeProgress(
  plan: ScenarioPlan,
  world: World,
  seen: Observatory,
): Progress & { step: number; doing: string } {
  return {
    step: 0,
    doing: 'starting the fleet',
    steps: plan.steps.length,
    get nowMs() {
      return world.clock.nowMs;
    },
    get events() {
      return world.eventCount;
    },
    get boards() {
      return seen.chart.now;
    },
    get rollouts() {
      return [...seen.cluster.rollouts.objects].map(({ metadata, status }) => ({
        name: metadata.name,
        phase: status?.phase ?? 'Pending',
        gates: status?.waves?.map((wave) => wave.gate) ?? [],
      }));
    },
  };
}
