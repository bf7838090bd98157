import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { NorFlash } from '../board/nor-flash.ts';
import { SOUND_SUPPLY, WEAK_SUPPLY } from '../board/supply.ts';
import type { FaultAction } from './stage.ts';
import { struckBoards } from './struck-boards.ts';

/**
 * Cuts power; it comes back when the fault heals.
 *
 * With `operation`, the cut falls into that flash command, counted from the board's next one, `byte` bytes
 * into it; a board that writes nothing before the fault heals keeps its power.
 */
export const powerCut: FaultAction = (stage, order) => {
  const boards = struckBoards(stage, order);
  for (const board of boards)
    if (order.parameters.operation === undefined) board.cutPower();
    else planCut(board.parts.flash, order, false);
  return () => {
    for (const board of boards) {
      board.parts.flash.cutPowerAt(undefined);
      board.powerOn();
    }
  };
};

/**
 * The supply no longer bears the radio: a board that switches it on browns out, boots, and does so again.
 *
 * With `operation`, the first sag falls into that flash command, counted as for a power cut. A radio that is on
 * already stays on until something resets its board.
 */
export const brownOutLoop: FaultAction = (stage, order) => {
  const boards = struckBoards(stage, order);
  for (const board of boards) {
    board.supply = WEAK_SUPPLY;
    if (order.parameters.operation !== undefined) planCut(board.parts.flash, order, true);
  }
  return () => {
    for (const board of boards) {
      board.parts.flash.cutPowerAt(undefined);
      board.supply = SOUND_SUPPLY;
    }
  };
};

function planCut(flash: NorFlash, { parameters }: FaultOrder, brownOut: boolean): void {
  const { operation = 0, byte } = parameters;
  flash.cutPowerAt({
    operation: flash.operations + operation,
    brownOut,
    ...(byte !== undefined && { byte }),
  });
}
