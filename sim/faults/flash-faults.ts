import { activeEntry, slotOfSequence } from '../../src/esp/otadata.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import type { Board } from '../board/board.ts';
import { readBootTable } from '../board/boot-table.ts';
import { readOtadata } from '../board/otadata-store.ts';
import { nextUpdatePartition } from '../board/running-app.ts';
import type { FaultAction } from './stage.ts';
import { struckBoards } from './struck-boards.ts';

/** One bit flips somewhere in what the inactive slot holds; nothing there, nothing flips. It stays flipped. */
export const bitFlip: FaultAction = (stage, order) => {
  for (const board of struckBoards(stage, order)) {
    const { flash, random } = board.parts;
    const slot = inactiveSlot(board);
    const heldBytes = slot === undefined ? 0 : programmedBytes(flash.read(slot.offset, slot.size));
    if (slot === undefined || heldBytes === 0) continue;
    const where = random.split(`bit-flip/${flash.operations}`);
    flash.flipBit(slot.offset + where.int(heldBytes), where.int(8));
  }
  return () => {};
};

/** No sector of the inactive slot erases any more; when the fault heals, all do again, as those of a new part. */
export const flashWornOut: FaultAction = (stage, order) => {
  const boards = struckBoards(stage, order);
  for (const board of boards) board.parts.flash.wearOut(inactiveSlot(board));
  return () => {
    for (const board of boards) board.parts.flash.wearOut(undefined);
  };
};

/** Where the next update goes; of a board without power, the slot that otadata does not name. */
function inactiveSlot({ running, parts: { flash } }: Board): Partition | undefined {
  if (running !== undefined) return nextUpdatePartition(running.app);
  const table = readBootTable(flash);
  if (table?.otadata === undefined || table.otaCount < 2) return undefined;
  const pair = readOtadata(flash, table.otadata);
  const active = activeEntry(pair);
  const slot = active === undefined ? 0 : slotOfSequence(pair[active].sequence, table.otaCount);
  return table.ota[(slot + 1) % table.otaCount];
}

/** Length up to the last byte that is not erased. */
function programmedBytes(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  return end;
}
