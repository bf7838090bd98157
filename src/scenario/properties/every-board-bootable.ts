import type { MakeMonitor } from './monitor.ts';

/** A boot that finds no image to start is a brick, whatever led to it. */
export const everyBoardBootable: MakeMonitor = (_evidence, report) => ({
  onEvent(event) {
    if (event.kind !== 'boot' || event.slot !== null) return;
    report({
      atMs: event.atMs,
      board: event.board,
      message: `${event.board} has nothing left to boot (reset: ${event.resetReason})`,
    });
  },
});
