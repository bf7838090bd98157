import { SerialBoard, type SerialBoardParts } from '../../serial/serial-board.ts';
import { ScaledClock } from '../scaled-clock.ts';
import { servePty } from './pty.ts';
import type { LinkEnd, SerialLink } from './serial-link.ts';
import { serveRfc2217, serveTcp } from './socket-server.ts';

export type LinkPlan =
  | { readonly kind: 'rfc2217' | 'tcp'; readonly port: number }
  | { readonly kind: 'pty'; readonly path: string };

export interface ServedBoard {
  readonly url: string;
  close(): Promise<void>;
}

/** Powers up one board and puts it behind one link. Throws LinkUnavailable. */
export async function serveBoard(
  parts: Omit<SerialBoardParts, 'clock' | 'onOutput'>,
  link: LinkPlan,
  onDisconnect: () => void,
): Promise<ServedBoard> {
  let write: (bytes: Uint8Array) => void = () => {};
  const board = new SerialBoard({ ...parts, clock: new ScaledClock(), onOutput: (bytes) => write(bytes) });
  const end: LinkEnd = {
    board,
    connectOutput: (to) => {
      write = to;
    },
    onDisconnect,
  };
  const opened = await open(link, end);
  board.powerOn();
  return opened;
}

function open(link: LinkPlan, end: LinkEnd): Promise<SerialLink> {
  switch (link.kind) {
    case 'rfc2217':
      return serveRfc2217(link.port, end);
    case 'tcp':
      return serveTcp(link.port, end);
    case 'pty':
      return servePty(link.path, end);
  }
}
