import type { ClusterChange } from '../engine/cluster-view.ts';
import type { StampedEvent } from '../fleet-event.ts';
import type { PlannedProperties } from '../plan.ts';
import { canaryGateHolds } from './canary-gate-holds.ts';
import { everyBoardBootable } from './every-board-bootable.ts';
import type { Evidence, MakeMonitor, Monitor, Sighting } from './monitor.ts';
import { ALWAYS, type AlwaysName, SOMETIMES } from './names.ts';
import { neverMoreThan } from './never.ts';
import { oneFlashAtATime } from './one-flash-at-a-time.ts';
import { onlyAttestedDevicesFlashed } from './only-attested-devices-flashed.ts';
import { onlyVerifiedImagesRun } from './only-verified-images-run.ts';
import { pinnedDigestHolds } from './pinned-digest-holds.ts';
import { SOMETIMES_MONITORS } from './sometimes.ts';
import { twinsSurvive } from './twins-survive.ts';

const ALWAYS_MONITORS: Readonly<Record<AlwaysName, MakeMonitor>> = {
  'every-board-bootable': everyBoardBootable,
  'only-verified-images-run': onlyVerifiedImagesRun,
  'only-attested-devices-flashed': onlyAttestedDevicesFlashed,
  'pinned-digest-holds': pinnedDigestHolds,
  'one-flash-at-a-time': oneFlashAtATime,
  'canary-gate-holds': canaryGateHolds,
  'twins-survive': twinsSurvive,
};

/** `liveness`: the engine's own, that every board settles once the faults are over. */
export type PropertyKind = 'always' | 'never' | 'sometimes' | 'liveness';

export interface PropertyResult {
  readonly name: string;
  readonly kind: PropertyKind;
  /** What it asks for, in words. */
  readonly description: string;
  /** `not-judged`: the run ended before it could be told. */
  readonly verdict: 'passed' | 'failed' | 'not-judged';
  /** Violations, or for `sometimes` the times it was seen. */
  readonly sightings: number;
  /** The first of them, in order. */
  readonly first: readonly Sighting[];
}

/** Sightings kept of each property; the rest are counted. */
const KEPT = 10;

interface Entry {
  readonly name: string;
  readonly kind: PropertyKind;
  readonly description: string;
  readonly first: Sighting[];
  sightings: number;
}

/** All properties of a run, watched together. */
export class PropertyBoard {
  readonly #entries: Entry[] = [];
  readonly #onEvent: NonNullable<Monitor['onEvent']>[] = [];
  readonly #onChange: NonNullable<Monitor['onChange']>[] = [];
  readonly #onInstant: NonNullable<Monitor['onInstant']>[] = [];
  readonly #onViolation: (property: string, sighting: Sighting) => void;

  constructor(
    properties: PlannedProperties,
    evidence: Evidence,
    onViolation: (property: string, sighting: Sighting) => void,
  ) {
    this.#onViolation = onViolation;
    for (const name of new Set(properties.always))
      this.#watch({ name, kind: 'always', description: ALWAYS[name] }, ALWAYS_MONITORS[name], evidence);
    for (const rule of properties.never)
      this.#watch(
        { name: rule.label, kind: 'never', description: rule.label },
        neverMoreThan(rule),
        evidence,
      );
    for (const name of new Set(properties.sometimes))
      this.#watch(
        { name, kind: 'sometimes', description: SOMETIMES[name] },
        SOMETIMES_MONITORS[name],
        evidence,
      );
  }

  onEvent(event: StampedEvent): void {
    for (const watch of this.#onEvent) watch(event);
  }

  onChange(change: ClusterChange, atMs: number): void {
    for (const watch of this.#onChange) watch(change, atMs);
  }

  onInstant(atMs: number): void {
    for (const watch of this.#onInstant) watch(atMs);
  }

  /** In the scenario's order. `ended` early: what was not seen might still have come. */
  results(endedEarly: boolean): PropertyResult[] {
    return this.#entries.map((entry) => ({ ...entry, verdict: verdictOf(entry, endedEarly) }));
  }

  #watch(about: Pick<Entry, 'name' | 'kind' | 'description'>, make: MakeMonitor, evidence: Evidence): void {
    const entry: Entry = { ...about, first: [], sightings: 0 };
    this.#entries.push(entry);
    const monitor = make(evidence, (sighting) => {
      entry.sightings++;
      if (entry.first.length < KEPT) entry.first.push(sighting);
      if (entry.kind !== 'sometimes') this.#onViolation(entry.name, sighting);
    });
    if (monitor.onEvent !== undefined) this.#onEvent.push(monitor.onEvent.bind(monitor));
    if (monitor.onChange !== undefined) this.#onChange.push(monitor.onChange.bind(monitor));
    if (monitor.onInstant !== undefined) this.#onInstant.push(monitor.onInstant.bind(monitor));
  }
}

function verdictOf(entry: Entry, endedEarly: boolean): PropertyResult['verdict'] {
  if (entry.kind !== 'sometimes') return entry.sightings > 0 ? 'failed' : 'passed';
  if (entry.sightings > 0) return 'passed';
  return endedEarly ? 'not-judged' : 'failed';
}
