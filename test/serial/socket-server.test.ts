import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { serveTcp } from '../../sim/live/serial/socket-server.ts';

/** A client that keeps what it gets. */
async function client(url: string): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect(Number(url.split(':').at(-1)), '127.0.0.1');
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, closed };
}

test('a port has one user at a time: a second is turned away, the next after the first gets in', async () => {
  let write: (bytes: Uint8Array) => void = () => {};
  const link = await serveTcp(0, {
    board: {
      receive: (bytes) => write(bytes),
      setModemLines: () => {},
      setHostBaudRate: () => {},
    },
    connectOutput: (to) => {
      write = to;
    },
    onDisconnect: () => {},
  });
  const echo = (socket: Socket): Promise<string> => {
    const answer = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
    socket.write('ping');
    return answer;
  };
  const first = await client(link.url);
  expect(await echo(first.socket)).toBe('ping');
  const second = await client(link.url);
  await second.closed;
  first.socket.end();
  const third = await client(link.url);
  expect(await echo(third.socket)).toBe('ping');
  third.socket.destroy();
  await link.close();
});
