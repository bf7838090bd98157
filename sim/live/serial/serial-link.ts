import type { ModemLines } from '../../serial/modem-lines.ts';

/** A board's port as a transport drives it. */
export interface LinkedBoard {
  receive(bytes: Uint8Array): void;
  setModemLines(lines: ModemLines): void;
  /** Undefined for a transport that has no speed. */
  setHostBaudRate(bitsPerSecond: number | undefined): void;
}

/** A transport that is up: a board is behind it. */
export interface SerialLink {
  /** As a tool is told to open it: `rfc2217://…`, `socket://…` or a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** The board's side of a transport: where its output goes, and who is told when a client leaves. */
export interface LinkEnd {
  readonly board: LinkedBoard;
  /** Called once, with the function that takes the board's output from then on. */
  readonly connectOutput: (write: (bytes: Uint8Array) => void) => void;
  readonly onDisconnect: () => void;
}

/** A transport that cannot be had; the message names it and says what to do. */
export class LinkUnavailable extends Error {
  override readonly name = 'LinkUnavailable';
}
