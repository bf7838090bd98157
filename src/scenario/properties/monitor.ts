import type { ClusterChange, ClusterView } from '../engine/cluster-view.ts';
import type { FleetView } from '../engine/fleet-view.ts';
import type { Census } from '../engine/population.ts';
import type { StampedEvent } from '../fleet-event.ts';
import type { PackedImage } from '../world.ts';

/** One instant at which a property did not hold, or at which it was seen. */
export interface Sighting {
  readonly atMs: number;
  /** Name of the board it is about, when it is about one. */
  readonly board?: string;
  /** A sentence. */
  readonly message: string;
}

/** What a monitor may look at: the world's truth and the API's objects, never the operator's memory. */
export interface Evidence {
  readonly fleet: FleetView;
  readonly cluster: ClusterView;
  readonly census: Census;
  readonly images: readonly PackedImage[];
  /** References under which each firmware of the plan was pushed. */
  readonly referencesOf: (firmware: string) => readonly string[];
}

/**
 * Watches one property over a run.
 *
 * `report` is called at each instant at which the property is broken, or, for a `sometimes` property,
 * seen. Monitors must be cheap: each sees every event of the fleet.
 */
export interface Monitor {
  onEvent?(event: StampedEvent): void;
  onChange?(change: ClusterChange, atMs: number): void;
  /** Called when every event and change of an instant has been told. */
  onInstant?(atMs: number): void;
}

export type MakeMonitor = (evidence: Evidence, report: (sighting: Sighting) => void) => Monitor;
