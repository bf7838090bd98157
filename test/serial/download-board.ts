import { BlockStore } from '../../sim/board/block-store.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SerialBoard, type SerialBoardParts } from '../../sim/serial/serial-board.ts';
import type { Chip } from '../../src/esp/chips.ts';

export interface DownloadBoard {
  readonly board: SerialBoard;
  readonly flash: NorFlash;
  /** Lets this much virtual time pass. */
  pass(durationMs: number): Promise<void>;
  send(bytes: Uint8Array): void;
  /** What the board sent since the last call. */
  takeOutput(): Uint8Array;
}

/** A board with its boot pin held, powered up, on a clock of its own; blank flash of 4 MiB unless told otherwise. */
export function downloadBoard(chip: Chip, parts: Partial<SerialBoardParts> = {}): DownloadBoard {
  const output: Uint8Array[] = [];
  const clock = new VirtualClock();
  const flash = parts.flash ?? NorFlash.blank(new BlockStore(), 4 * 1024 * 1024);
  const board = new SerialBoard({
    flash,
    efuse: new Efuse(chip, '7cdfa1000001'),
    clock,
    downloadMode: 'open',
    wiring: 'auto-reset',
    bootPinHeld: true,
    pace: 'instant',
    onOutput: (bytes) => void output.push(bytes),
    ...parts,
  });
  board.powerOn();
  return {
    board,
    flash,
    pass: async (durationMs) => void (await clock.run(() => false, clock.nowMs + durationMs)),
    send: (bytes) => board.receive(bytes),
    takeOutput: () => Buffer.concat(output.splice(0)),
  };
}
