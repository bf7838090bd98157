import { countsAtGate, isOutcome } from '../../device/outcome.ts';
import type { Device } from '../../kube/device.ts';
import type { FirmwareRollout, Gate } from '../../kube/firmware-rollout.ts';
import { JOB_LABEL } from '../../kube/flash-job.ts';
import { formatDuration, parseDurationMs } from '../../time/duration.ts';
import type { ClusterChange } from '../engine/cluster-view.ts';
import type { StampedEvent } from '../fleet-event.ts';
import type { Evidence, MakeMonitor } from './monitor.ts';

/** The API tells instants in whole seconds. */
const CLOCK_GRAIN_MS = 1000;

interface Turn {
  readonly board: string;
  /** `excluded` says nothing about the firmware; undefined: no verdict yet. */
  verdict?: 'confirmed' | 'failed' | 'excluded';
  verdictAtMs?: number;
}

/** What is known of one rollout, from its spec and from what boards did. */
interface Ledger {
  rollout: FirmwareRollout;
  readonly digests: ReadonlySet<string>;
  /** Devices that match its selector now, and the most there ever were. */
  selected: number;
  devices: number;
  /** Waves whose gate was met when the next one began. */
  wavesPassed: number;
  /** Boards in the order in which their turn came: the first write of the firmware, or a verdict without one. */
  readonly turns: Turn[];
  readonly turnOf: Map<string, Turn>;
}

/**
 * Gates, judged a second time and independently of the operator.
 *
 * From the rollout's spec: wave k holds the first ceil(percent × fleet) boards. When the next board has
 * its turn, every board of the waves before must have its verdict, enough of those verdicts must be
 * confirmations, and the last of them must be older than the bake time. A confirmation counts only when
 * the board itself confirmed; failures are believed, because believing them only makes a gate stricter.
 */
export const canaryGateHolds: MakeMonitor = (evidence, report) => {
  const ledgers = new Map<string, Ledger>();

  function onEvent(event: StampedEvent): void {
    if (event.kind !== 'write-begin' && event.kind !== 'confirm' && event.kind !== 'boot') return;
    for (const ledger of ledgers.values()) {
      if (event.kind === 'write-begin' && ledger.digests.has(event.digest)) takeTurn(ledger, event);
      const turn = ledger.turnOf.get(event.board);
      if (turn === undefined) continue;
      if (event.kind === 'confirm' && ledger.digests.has(event.digest)) settle(turn, 'confirmed', event.atMs);
      if (event.kind === 'boot' && (event.rolledBack || event.slot === null))
        settle(turn, 'failed', event.atMs);
    }
  }

  function takeTurn(ledger: Ledger, event: Extract<StampedEvent, { kind: 'write-begin' }>): void {
    const known = ledger.turnOf.get(event.board);
    if (known !== undefined) {
      // A second attempt: its verdict is the one that counts.
      delete known.verdict;
      delete known.verdictAtMs;
      return;
    }
    const board = evidence.fleet.board(event.board);
    const device = board && evidence.cluster.devices.get({ namespace: 'default', name: board.deviceId });
    if (device !== undefined && !isSelected(ledger.rollout, device)) return;
    const reason = brokenGate(ledger, event.atMs);
    if (reason !== undefined)
      report({
        atMs: event.atMs,
        board: event.board,
        message: `${event.board} begins ${ledger.rollout.metadata.name} as board ${ledger.turns.length + 1} of ${ledger.devices}, but ${reason}`,
      });
    addTurn(ledger, event.board);
  }

  return {
    onEvent,
    onChange(change, atMs) {
      if (change.of === 'rollout') {
        const { uid } = change.object.metadata;
        const known = ledgers.get(uid);
        if (change.type === 'deleted') ledgers.delete(uid);
        else if (known !== undefined) known.rollout = change.object;
        else {
          const ledger = openLedger(change.object, evidence);
          if (ledger !== undefined) ledgers.set(uid, ledger);
        }
      } else if (change.of === 'device') {
        for (const ledger of ledgers.values()) recount(ledger, change);
        if (change.type !== 'deleted') believeFailure(change.object, atMs);
      }
    },
  };

  /** A device that is settled without having been confirmed has had its turn, even when nothing was written; a liar, too. */
  function believeFailure(device: Device, atMs: number): void {
    const update = device.status?.update;
    const { name } = device.metadata;
    const board = evidence.fleet.boardOfDevice(name) ?? evidence.fleet.liarOfDevice(name);
    if (update?.phase !== 'Settled' || update.outcome === undefined || board === undefined) return;
    const job = evidence.cluster.jobs.get({ namespace: update.jobNamespace, name: update.jobName });
    const rollout = job?.metadata.labels?.[JOB_LABEL.rollout];
    for (const ledger of ledgers.values()) {
      if (ledger.rollout.metadata.name !== rollout) continue;
      const had = ledger.turnOf.get(board.name);
      if (had?.verdict !== undefined) continue;
      if (update.outcome === 'confirmed') {
        // Believed only of a board that was never written to because it runs the image already.
        if (had !== undefined || !ledger.digests.has(board.digest) || !board.confirmed) continue;
        settle(addTurn(ledger, board.name), 'confirmed', atMs);
      } else {
        const counts = isOutcome(update.outcome) && countsAtGate(update.outcome);
        settle(had ?? addTurn(ledger, board.name), counts ? 'failed' : 'excluded', atMs);
      }
    }
  }
};

function addTurn(ledger: Ledger, board: string): Turn {
  const turn: Turn = { board };
  ledger.turns.push(turn);
  ledger.turnOf.set(board, turn);
  return turn;
}

function settle(turn: Turn, verdict: NonNullable<Turn['verdict']>, atMs: number): void {
  turn.verdict = verdict;
  turn.verdictAtMs = atMs;
}

function openLedger(rollout: FirmwareRollout, evidence: Evidence): Ledger | undefined {
  const digests = evidence.images
    .filter((image) => evidence.referencesOf(image.firmware).includes(rollout.spec.firmware))
    .map((image) => image.digest);
  if (digests.length === 0) return undefined;
  let selected = 0;
  for (const device of evidence.cluster.devices.objects) if (isSelected(rollout, device)) selected++;
  return {
    rollout,
    digests: new Set(digests),
    selected,
    devices: selected,
    wavesPassed: 0,
    turns: [],
    turnOf: new Map(),
  };
}

function isSelected(rollout: FirmwareRollout, device: Device): boolean {
  const wanted = Object.entries(rollout.spec.selector.matchLabels ?? {});
  return wanted.every(([key, value]) => device.metadata.labels?.[key] === value);
}

function recount(ledger: Ledger, change: Extract<ClusterChange, { of: 'device' }>): void {
  const was = change.previous !== undefined && isSelected(ledger.rollout, change.previous);
  const is = change.type !== 'deleted' && isSelected(ledger.rollout, change.object);
  ledger.selected += Number(is) - Number(was);
  ledger.devices = Math.max(ledger.devices, ledger.selected);
}

/** Why the next board may not have its turn yet; undefined when it may. */
function brokenGate(ledger: Ledger, nowMs: number): string | undefined {
  const { rollout, turns, devices } = ledger;
  let from = 0;
  for (const [index, wave] of rollout.spec.waves.entries()) {
    const to = Math.max(from, Math.ceil((devices * wave.percent) / 100));
    // The board about to have its turn belongs to this wave or an earlier one.
    if (turns.length < to) return undefined;
    if (index < ledger.wavesPassed) {
      from = to;
      continue;
    }
    const reason = judge({ ...rollout.spec.gate, ...wave.gate }, turns.slice(from, to), nowMs);
    if (reason !== undefined) return `wave ${index + 1} (${wave.percent}%) ${reason}`;
    ledger.wavesPassed = index + 1;
    from = to;
  }
  return undefined;
}

function judge(gate: Gate, wave: readonly Turn[], nowMs: number): string | undefined {
  const count = (verdict: Turn['verdict']): number => wave.filter((turn) => turn.verdict === verdict).length;
  const [confirmed, failed, excluded, open] = [
    count('confirmed'),
    count('failed'),
    count('excluded'),
    count(undefined),
  ];
  const samples = confirmed + failed;
  if (open > 0) return `has ${open} of ${wave.length} boards without a verdict`;
  const needed = Math.min(gate.minSamples ?? 1, wave.length - excluded);
  if (samples < needed) return `has ${samples} verdicts, and its gate asks for ${needed}`;
  if (samples > 0 && confirmed * 100 < (gate.minSuccessPercent ?? 0) * samples)
    return `has ${confirmed} of ${samples} boards confirmed, and its gate asks for ${gate.minSuccessPercent}%`;
  const last = wave.reduce((latest, turn) => Math.max(latest, turn.verdictAtMs ?? 0), 0);
  const bakeMs = parseDurationMs(gate.bakeTime ?? '0s') ?? 0;
  const bakedMs = nowMs - last;
  return bakedMs + CLOCK_GRAIN_MS < bakeMs
    ? `was watched for ${formatDuration(bakedMs)}, and its gate asks for ${formatDuration(bakeMs)}`
    : undefined;
}
