import { createServer } from 'node:net';
import { Aedes } from 'aedes';

/** An MQTT broker on a TCP port of this machine. */
export interface LiveBroker {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Starts an aedes broker on loopback; port 0 takes any free one. Rejects with the system's error when the port is taken. */
export async function startBroker(port = 0): Promise<LiveBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `mqtt://127.0.0.1:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        broker.close(() => server.close(() => resolve()));
      }),
  };
}
