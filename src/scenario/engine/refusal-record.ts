import { codeOfReason, findCondition } from '../../kube/condition.ts';
import type { Device } from '../../kube/device.ts';
import type { RefusalResult } from '../result.ts';
import type { BoardState } from '../world.ts';
import type { ClusterChange } from './cluster-view.ts';
import type { FleetView } from './fleet-view.ts';

/** Boards of which the result says why they were refused; a fleet of impostors is told in the trace. */
const REFUSALS_KEPT = 50;
/** Nobody's evidence: the device was never enrolled. */
const NOT_ENROLLED = 'NotEnrolled';
/** Reasons on a twin that are about somebody else who claims to be the device. */
const IMPOSTURE: ReadonlySet<string> = new Set(['ClonedIdentity', 'DuplicateIdentity']);

/** Whose evidence was turned away and why, each board once, as the operator says it on the twins. */
export class RefusalRecord {
  readonly #fleet: FleetView;
  readonly #refusals = new Map<string, RefusalResult>();
  #clones: ReadonlyMap<string, readonly BoardState[]> | undefined;

  constructor(fleet: FleetView) {
    this.#fleet = fleet;
  }

  onChange(change: ClusterChange, atMs: number): void {
    if (change.of !== 'device' || change.type === 'deleted') return;
    const { metadata, status } = change.object;
    const known = change.previous?.status;
    const attested = findCondition(status?.conditions, 'Attested');
    if (attested?.status === 'False' && attested.reason !== NOT_ENROLLED) {
      const { reason, message } = attested;
      if (reason !== findCondition(known?.conditions, 'Attested')?.reason)
        this.#keep(this.#guilty(change.object, reason), codeOfReason(reason), message, atMs);
    }
    for (const { station, code, message } of status?.impostors ?? [])
      if (!known?.impostors?.some((entry) => entry.station === station))
        this.#keep(this.#cloneOf(metadata.name, station), code, message, atMs);
  }

  /** In the order in which they were refused first. */
  results(): RefusalResult[] {
    return [...this.#refusals.values()];
  }

  #keep(who: Pick<RefusalResult, 'board' | 'identity'>, code: string, message: string, atMs: number): void {
    if (this.#refusals.has(who.board) || this.#refusals.size >= REFUSALS_KEPT) return;
    this.#refusals.set(who.board, { ...who, code, message, atMs });
  }

  #guilty({ metadata: { name } }: Device, reason: string): Pick<RefusalResult, 'board' | 'identity'> {
    if (IMPOSTURE.has(reason)) return this.#cloneOf(name, undefined);
    const board = this.#fleet.liarOfDevice(name) ?? this.#fleet.boardOfDevice(name);
    return { board: board?.name ?? name, identity: board?.identity ?? 'genuine' };
  }

  /** Stations are not the world's to tell: of several clones of one device only the station is known. */
  #cloneOf(deviceId: string, station: string | undefined): Pick<RefusalResult, 'board' | 'identity'> {
    this.#clones ??= Map.groupBy(
      this.#fleet.boards.filter(({ identity }) => identity === 'cloned'),
      (board) => board.deviceId,
    );
    const [clone, ...others] = this.#clones.get(deviceId) ?? [];
    if (clone !== undefined && others.length === 0) return { board: clone.name, identity: 'cloned' };
    return { board: station ?? `a clone of ${deviceId}`, identity: 'cloned' };
  }
}
