import type { MakeMonitor } from './monitor.ts';

/** Faults under which what a board sends proves nothing. */
const WORTHLESS_EVIDENCE: ReadonlySet<string> = new Set(['forged-evidence', 'replayed-evidence']);

/**
 * A write may begin only on a genuine board that has sent honest evidence since its last boot.
 *
 * Judged from what left the board, not from what the verifier says of it.
 */
export const onlyAttestedDevicesFlashed: MakeMonitor = ({ fleet }, report) => {
  const proved = new Set<string>();
  /** How many faults of that kind are on, by board. */
  const lying = new Map<string, number>();
  return {
    onEvent(event) {
      switch (event.kind) {
        case 'boot':
          proved.delete(event.board);
          return;
        case 'evidence':
          if ((lying.get(event.board) ?? 0) === 0) proved.add(event.board);
          return;
        case 'fault':
          if (!WORTHLESS_EVIDENCE.has(event.fault)) return;
          for (const board of event.boards)
            lying.set(board, Math.max(0, (lying.get(board) ?? 0) + (event.on ? 1 : -1)));
          return;
        case 'write-begin': {
          const { atMs, board } = event;
          const identity = fleet.board(board)?.identity ?? 'genuine';
          if (identity !== 'genuine')
            report({
              atMs,
              board,
              message: `${board} is ${identity}, and is being flashed with ${event.digest}`,
            });
          else if (!proved.has(board))
            report({
              atMs,
              board,
              message: `${board} has sent no honest evidence since its last boot, and is being flashed with ${event.digest}`,
            });
          return;
        }
      }
    },
  };
};
