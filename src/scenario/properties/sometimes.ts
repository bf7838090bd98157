import type { ClusterChange } from '../engine/cluster-view.ts';
import type { StampedEvent } from '../fleet-event.ts';
import type { BoardState } from '../world.ts';
import type { Evidence, MakeMonitor, Sighting } from './monitor.ts';
import type { SometimesName } from './names.ts';

type FromEvent = (event: StampedEvent, evidence: Evidence) => string | undefined;
type FromChange = (change: ClusterChange, evidence: Evidence) => string | undefined;

/** Reports each sentence that the look-out finds in an event. */
const inEvents =
  (find: FromEvent): MakeMonitor =>
  (evidence, report) => ({
    onEvent(event) {
      const message = find(event, evidence);
      if (message === undefined) return;
      const board = 'board' in event ? { board: event.board } : {};
      report({ atMs: event.atMs, ...board, message } satisfies Sighting);
    },
  });

/** Reports each sentence that the look-out finds in a change of the API's objects. */
const inChanges =
  (find: FromChange): MakeMonitor =>
  (evidence, report) => ({
    onChange(change, atMs) {
      const message = change.type === 'deleted' ? undefined : find(change, evidence);
      if (message !== undefined) report({ atMs, message });
    },
  });

const rolloutReached = (phase: string, words: string): MakeMonitor =>
  inChanges((change) =>
    change.of === 'rollout' &&
    change.object.status?.phase === phase &&
    change.previous?.status?.phase !== phase
      ? `${change.object.metadata.name} ${words}`
      : undefined,
  );

/** An identity turned away: an impostor listed on its victim's twin, or a twin whose evidence is not accepted. */
function refusalOf(
  identity: Exclude<BoardState['identity'], 'genuine'>,
  fault: string | undefined,
): MakeMonitor {
  return (evidence, report) => {
    const lying = new Set<string>();
    let suspects: readonly BoardState[] | undefined;
    const guilty = (deviceId: string): string | undefined => {
      suspects ??= evidence.fleet.boards.filter(
        (board) => board.identity === identity || lying.has(board.name),
      );
      return suspects.find((board) => board.deviceId === deviceId)?.name;
    };
    return {
      onEvent(event) {
        if (event.kind !== 'fault' || event.fault !== fault) return;
        for (const board of event.boards) if (event.on) lying.add(board);
        suspects = undefined;
      },
      onChange(change, atMs) {
        if (change.of !== 'device' || change.type === 'deleted') return;
        const { status, metadata } = change.object;
        const before = change.previous?.status;
        const impostor = status?.impostors?.find(
          (entry) => !before?.impostors?.some((known) => known.instance === entry.instance),
        );
        const turnedAway = (of: typeof status): boolean =>
          of?.conditions?.some((entry) => entry.type === 'Attested' && entry.status === 'False') ?? false;
        if (impostor === undefined && (!turnedAway(status) || turnedAway(before))) return;
        const board = guilty(metadata.name);
        if (board === undefined) return;
        const reason =
          impostor?.message ?? status?.conditions?.find((entry) => entry.type === 'Attested')?.message ?? '';
        report({ atMs, board, message: `${board} was turned away: ${reason}` });
      },
    };
  };
}

/** An image that was written whole in a session that had begun with a delta, and not with the image after that. */
function deltaApplied(): MakeMonitor {
  return (_evidence, report) => {
    const byDelta = new Set<string>();
    return {
      onEvent(event) {
        if (event.kind === 'write-begin') {
          if (event.deltaFrom === undefined) byDelta.delete(event.board);
          else byDelta.add(event.board);
        } else if (event.kind === 'write-end' && byDelta.delete(event.board) && event.result === 'written')
          report({ atMs: event.atMs, board: event.board, message: `${event.board} made ${event.digest}` });
      },
    };
  };
}

function boardRepurposed(): MakeMonitor {
  return (_evidence, report) => {
    const running = new Map<string, string>();
    const confirmed = new Map<string, string>();
    return {
      onEvent(event) {
        if (event.kind === 'boot') {
          running.set(event.board, event.application);
          if (!confirmed.has(event.board)) confirmed.set(event.board, event.application);
        } else if (event.kind === 'confirm') {
          const [before, now] = [confirmed.get(event.board), running.get(event.board)];
          if (now === undefined || now === before) return;
          confirmed.set(event.board, now);
          report({
            atMs: event.atMs,
            board: event.board,
            message: `${event.board} was ${before ?? 'nothing'} and is ${now}`,
          });
        }
      },
    };
  };
}

/** What each `sometimes` property looks out for. */
export const SOMETIMES_MONITORS: Readonly<Record<SometimesName, MakeMonitor>> = {
  'a-board-rolled-back': inEvents((event) =>
    event.kind === 'boot' && event.rolledBack
      ? `${event.board} went back to ${event.application} ${event.version} (${event.resetReason})`
      : undefined,
  ),
  'a-board-was-repurposed': boardRepurposed(),
  'a-download-resumed': inEvents((event) =>
    event.kind === 'write-begin' && event.offsetBytes > 0
      ? `${event.board} went on at byte ${event.offsetBytes}`
      : undefined,
  ),
  'a-delta-was-applied': deltaApplied(),
  'a-transfer-was-interrupted': inEvents((event) =>
    event.kind === 'write-end' && event.result !== 'written'
      ? `${event.board}: the transfer ${event.result}${event.code === undefined ? '' : ` (${event.code})`}`
      : undefined,
  ),
  'a-clone-was-refused': refusalOf('cloned', undefined),
  'a-forgery-was-refused': refusalOf('forged', 'forged-evidence'),
  'a-replay-was-refused': refusalOf('replayed', 'replayed-evidence'),
  'a-gate-passed': inChanges((change) => {
    if (change.of !== 'rollout') return undefined;
    const before = change.previous?.status?.waves;
    const index = change.object.status?.waves?.findIndex(
      (wave, at) => wave.gate === 'Passed' && before?.[at]?.gate !== 'Passed',
    );
    return index === undefined || index < 0
      ? undefined
      : `wave ${index + 1} of ${change.object.metadata.name} passed its gate`;
  }),
  'a-rollout-aborted': rolloutReached('Aborted', 'stopped'),
  'a-rollout-reverted': inChanges((change) => {
    if (change.of !== 'rollout') return undefined;
    const reverted = (of: typeof change.previous): boolean =>
      of?.status?.conditions?.some((entry) => entry.type === 'Reverted' && entry.status === 'True') ?? false;
    return reverted(change.object) && !reverted(change.previous)
      ? `${change.object.metadata.name} put the old firmware back`
      : undefined;
  }),
  'a-rollout-completed': rolloutReached('Completed', 'reached its whole fleet'),
};
