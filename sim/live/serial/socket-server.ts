import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ComPortSession } from '../../serial/com-port.ts';
import { type LinkEnd, LinkUnavailable, type SerialLink } from './serial-link.ts';

const HOST = '127.0.0.1';
/** How long a second client waits for the first one's connection to be gone. */
const LEAVING_MS = 300;

/** What one client's connection does with bytes. */
interface Session {
  receive(bytes: Uint8Array): void;
  deliver(bytes: Uint8Array): void;
}

/** RFC 2217: bytes, both modem lines and the speed. Port 0 takes any free one. Throws LinkUnavailable. */
export function serveRfc2217(port: number, end: LinkEnd): Promise<SerialLink> {
  return serve(
    'rfc2217',
    port,
    end,
    (socket) => new ComPortSession(end.board, (bytes) => socket.write(bytes)),
  );
}

/** Bytes alone. Port 0 takes any free one. Throws LinkUnavailable. */
export function serveTcp(port: number, end: LinkEnd): Promise<SerialLink> {
  end.board.setHostBaudRate(undefined);
  return serve('socket', port, end, (socket) => ({
    receive: (bytes) => end.board.receive(bytes),
    deliver: (bytes) => void socket.write(bytes),
  }));
}

async function serve(
  scheme: 'rfc2217' | 'socket',
  port: number,
  end: LinkEnd,
  open: (socket: Socket) => Session,
): Promise<SerialLink> {
  let current: { readonly socket: Socket; readonly session: Session } | undefined;
  end.connectOutput((bytes) => current?.session.deliver(bytes));
  const admit = (socket: Socket): void => {
    socket.setNoDelay(true);
    const session = open(socket);
    current = { socket, session };
    socket.on('data', (bytes) => session.receive(bytes));
    socket.once('close', () => {
      current = undefined;
      end.board.setModemLines({ dtr: false, rts: false });
      end.onDisconnect();
    });
  };
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (current === undefined) {
      admit(socket);
      return;
    }
    // A serial port has one user at a time; the next may come while the last is still leaving.
    const turnAway = setTimeout(() => socket.destroy(), LEAVING_MS);
    current.socket.once('close', () => {
      clearTimeout(turnAway);
      if (socket.destroyed || current !== undefined) socket.destroy();
      else admit(socket);
    });
  });
  await listening(server, port);
  const address = server.address() as AddressInfo;
  return {
    url: `${scheme}://${HOST}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        current?.socket.destroy();
      }),
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `port ${port} is in use; choose another one, or 0 for any free port`
          : `port ${port} cannot be opened: ${cause.message}`;
      reject(new LinkUnavailable(why, { cause }));
    });
    server.listen(port, HOST, () => resolve());
  });
}
