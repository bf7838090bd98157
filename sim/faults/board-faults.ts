import type { FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import type { Board } from '../board/board.ts';
import type { IdentityKind } from '../board/identity.ts';
import type { FaultAction, Stage } from './stage.ts';

/**
 * Cuts power; it comes back when the fault heals.
 *
 * With `operation`, the cut falls into that flash command, counted from the board's next one, `byte` bytes
 * into it; a board that writes nothing before the fault heals keeps its power.
 */
export const powerCut: FaultAction = (stage, order) => {
  const boards = struckBoards(stage, order);
  const { operation, byte } = order.parameters;
  for (const board of boards) {
    const { flash } = board.parts;
    if (operation === undefined) board.cutPower();
    else flash.cutPowerAt({ operation: flash.operations + operation, ...(byte !== undefined && { byte }) });
  }
  return () => {
    for (const board of boards) {
      board.parts.flash.cutPowerAt(undefined);
      board.powerOn();
    }
  };
};

/** The board alters its tokens after signing them. */
export const forgedEvidence: FaultAction = (stage, order) => lie(stage, order, 'forged');

/** The board answers every challenge with what it once answered another. */
export const replayedEvidence: FaultAction = (stage, order) => lie(stage, order, 'replayed');

function lie(stage: Stage, order: FaultOrder, kind: IdentityKind): () => void {
  const identities = struckBoards(stage, order).map((board) => board.parts.identity);
  const former = identities.map((identity) => identity.kind);
  for (const identity of identities) identity.kind = kind;
  return () => {
    for (const [index, identity] of identities.entries()) identity.kind = former[index] ?? 'genuine';
  };
}

function struckBoards(stage: Stage, order: FaultOrder): readonly Board[] {
  return order.boards.map((name) => {
    const board = stage.boards.get(name);
    if (board === undefined) throw new WorldError('bad-scenario', `no board is called ${name}`);
    return board;
  });
}
