import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { IdentityKind } from '../board/identity.ts';
import type { FaultAction, Stage } from './stage.ts';
import { struckBoards } from './struck-boards.ts';

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
