import type { Random } from '../../random/random.ts';
import type { StampedEvent } from '../fleet-event.ts';
import type { ScenarioPlan } from '../plan.ts';
import type { Sighting } from '../properties/monitor.ts';
import { PropertyBoard } from '../properties/property-board.ts';
import type { InvolvedBoard } from '../result.ts';
import { Trace } from '../trace.ts';
import type { World } from '../world.ts';
import { BoardHistory, describeEvent } from './board-history.ts';
import { type ClusterChange, ClusterView } from './cluster-view.ts';
import { FleetChart } from './fleet-chart.ts';
import { FleetView } from './fleet-view.ts';
import { Narrator } from './narrator.ts';
import type { Note } from './note.ts';
import { Census } from './population.ts';
import { RefusalRecord } from './refusal-record.ts';
import { RolloutRecord } from './rollout-record.ts';
import { UpdateTally } from './update-tally.ts';

export interface ObservatoryOptions {
  readonly onViolation: (property: string, sighting: Sighting) => void;
  /** Gets the trace in chunks of whole lines. */
  readonly traceSink?: (chunk: string) => void;
  readonly onNote?: (note: Note) => void;
}

const NOTES_KEPT = 400;
const INVOLVED_MAX = 8;

/** Hears everything that happens and hands it to whoever must know: trace, properties, chart, notes, counts. */
export class Observatory {
  readonly fleet: FleetView;
  readonly cluster: ClusterView;
  readonly census: Census;
  readonly properties: PropertyBoard;
  readonly trace: Trace;
  readonly chart = new FleetChart();
  readonly rollouts = new RolloutRecord();
  readonly updates = new UpdateTally();
  readonly refusals: RefusalRecord;
  readonly notes: Note[] = [];
  notesDropped = 0;
  readonly #world: World;
  readonly #history = new BoardHistory();
  readonly #narrator: Narrator;
  readonly #onNote: (note: Note) => void;
  /** Boards whose state may have changed since they were last judged. */
  readonly #stirred = new Set<string>();

  constructor(plan: ScenarioPlan, world: World, options: ObservatoryOptions) {
    this.#world = world;
    this.#onNote = options.onNote ?? (() => {});
    this.trace = new Trace(options.traceSink);
    this.fleet = new FleetView(world);
    this.refusals = new RefusalRecord(this.fleet);
    this.cluster = new ClusterView(world.kube, world.clock, (change) => this.#onChange(change));
    this.census = new Census(this.fleet, this.cluster);
    this.#narrator = new Narrator(this.fleet, (note) => this.note(note));
    const referencesOf = (key: string): readonly string[] =>
      plan.firmware.find((firmware) => firmware.key === key)?.references ?? [];
    this.properties = new PropertyBoard(
      plan.properties,
      {
        fleet: this.fleet,
        cluster: this.cluster,
        census: this.census,
        // A getter, because the world fills the list while it starts.
        get images() {
          return world.images;
        },
        referencesOf,
      },
      options.onViolation,
    );
    for (const board of world.boards) this.chart.judge(board);
  }

  onEvent(event: StampedEvent): void {
    this.chart.advanceTo(event.atMs);
    this.trace.event(event);
    this.properties.onEvent(event);
    this.#history.onEvent(event);
    this.#narrator.onEvent(event);
    if (event.kind !== 'fault') this.#stirred.add(event.board);
    else for (const board of event.boards) this.#stirred.add(board);
  }

  #onChange(change: ClusterChange): void {
    const atMs = this.#world.clock.nowMs;
    this.chart.advanceTo(atMs);
    this.trace.change(atMs, change);
    const gone = change.type === 'deleted';
    const { name } = change.object.metadata;
    if (change.of === 'device')
      for (const population of this.census.devices) population.judge(name, gone ? undefined : change.object);
    if (change.of === 'instance')
      for (const population of this.census.instances)
        population.judge(name, gone ? undefined : change.object);
    this.properties.onChange(change, atMs);
    this.rollouts.onChange(change, atMs);
    this.updates.onChange(change);
    this.refusals.onChange(change, atMs);
    this.#narrator.onChange(change, atMs);
  }

  /** Judges what is asked about the present once an instant is over. */
  settleInstant(): void {
    for (const name of this.#stirred) {
      const board = this.fleet.board(name);
      if (board === undefined) continue;
      this.chart.judge(board);
      for (const population of this.census.boards) population.judge(name, board);
    }
    this.#stirred.clear();
    this.properties.onInstant(this.#world.clock.nowMs);
  }

  note(note: Note): void {
    if (this.notes.length < NOTES_KEPT) this.notes.push(note);
    else this.notesDropped++;
    this.#onNote(note);
  }

  /** Boards by name, with what last happened to them. */
  involved(names: Iterable<string>): InvolvedBoard[] {
    return [...new Set(names)].slice(0, INVOLVED_MAX).flatMap((name) => {
      const board = this.fleet.board(name);
      if (board === undefined) return [];
      const history = this.#history
        .of(name)
        .map((event) => ({ atMs: event.atMs, text: describeEvent(event) }));
      const { chip, state, application, version } = board;
      return [{ name, chip, state, running: `${application} ${version}`, history }];
    });
  }
}

/** What a step may use: the world, what is known of it, and a way to let time pass. */
export interface Stage {
  readonly plan: ScenarioPlan;
  readonly world: World;
  readonly observatory: Observatory;
  /** Draws for what is decided while the story runs. */
  readonly random: Random;
  /** Lets time pass until `done`, at most until `deadlineMs`; false when the deadline came first. */
  readonly advance: (done: () => boolean, deadlineMs: number) => Promise<boolean>;
}

/** A step that did not come true. The message says what was seen instead. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}
