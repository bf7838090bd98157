import type { SerialBoardParts } from '../../sim/serial/serial-board.ts';
import type { Chip } from '../../src/esp/chips.ts';
import { encodeRequest, type LoaderRequest, syncRequest, wordsOf } from '../../src/rom/packet.ts';
import { encodeFrame, SlipDecoder } from '../../src/rom/slip.ts';
import { type DownloadBoard, downloadBoard } from './download-board.ts';

/** A host that talks to one board's loader in hex. */
export class Conversation {
  readonly bench: DownloadBoard;

  constructor(chip: Chip, parts: Partial<SerialBoardParts> = {}) {
    this.bench = downloadBoard(chip, parts);
    this.bench.takeOutput();
  }

  /** Frames that came back, in hex. */
  frames(): string[] {
    return new SlipDecoder()
      .push(this.bench.takeOutput())
      .flatMap((event) => (event.kind === 'frame' ? [Buffer.from(event.payload).toString('hex')] : []));
  }

  ask(request: LoaderRequest): string[] {
    this.bench.send(encodeFrame(encodeRequest(request)));
    return this.frames();
  }

  /** A command of words; the answers in hex. */
  words(opcode: number, ...words: number[]): string[] {
    return this.ask({ opcode, checksum: 0, data: wordsOf(...words) });
  }

  sync(): string[] {
    return this.ask(syncRequest());
  }

  raw(hex: string): string[] {
    this.bench.send(encodeFrame(Buffer.from(hex, 'hex')));
    return this.frames();
  }
}
