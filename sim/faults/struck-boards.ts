import type { FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import type { Board } from '../board/board.ts';
import type { Stage } from './stage.ts';

/** The boards a fault strikes, in the order's order. Throws WorldError `bad-scenario` for a name nobody has. */
export function struckBoards(stage: Stage, order: FaultOrder): readonly Board[] {
  return order.boards.map((name) => {
    const board = stage.boards.get(name);
    if (board === undefined) throw new WorldError('bad-scenario', `no board is called ${name}`);
    return board;
  });
}
