import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { encodeFrame, SlipDecoder } from '../../src/rom/slip.ts';
import { downloadBoard } from './download-board.ts';

/**
 * What two real mask ROMs answered, recorded on emulated chips with 4 MiB of flash.
 *
 * The flash is the emulation's: on the ESP32 it read zeros whatever was written. So that board starts with zeros
 * here, and of the answers that show flash after a write only length and header are compared.
 */
interface Recording {
  readonly chip: ChipName;
  readonly steps: readonly {
    readonly name: string;
    readonly request: string;
    readonly replies: readonly string[];
  }[];
}

const SHOWS_WRITTEN_FLASH: Readonly<Record<string, readonly string[]>> = {
  esp32: ['md5 of written 2 KiB', 'read_flash_slow', 'flash_begin past the end', 'flash_end, stay'],
};

describe.each(['esp32', 'esp32c3'] as const)('the recorded conversation with the ROM of an %s', (chip) => {
  const recording = JSON.parse(
    readFileSync(new URL(`../vectors/rom-serial-${chip}.json`, import.meta.url), 'utf8'),
  ) as Recording;
  const zeros = new Uint8Array(4 * 1024 * 1024);
  const board = downloadBoard(
    CHIPS[chip],
    chip === 'esp32' ? { flash: NorFlash.ofImage(new BlockStore(), zeros) } : {},
  );
  board.takeOutput();

  test.each(recording.steps)('$name', ({ name, request, replies }) => {
    board.send(encodeFrame(Buffer.from(request, 'hex')));
    const frames = new SlipDecoder()
      .push(board.takeOutput())
      .flatMap((event) => (event.kind === 'frame' ? [Buffer.from(event.payload).toString('hex')] : []));
    if (SHOWS_WRITTEN_FLASH[chip]?.includes(name) === true) {
      const shape = (frame: string): unknown => [frame.length, frame.slice(0, 16)];
      expect(frames.map(shape)).toEqual(replies.map(shape));
    } else expect(frames).toEqual(replies);
  });
});
