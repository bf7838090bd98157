import { Agent, request } from 'node:https';

export interface LoadTarget {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  readonly token: string;
  /** PEM. */
  readonly authority: string;
}

export interface LoadAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** As little client as can be, so that the time of a request is the server's: kept connections, bodies unread. */
export class LoadClient {
  readonly #agent: Agent;
  readonly #target: LoadTarget;

  /** `connections` is how many requests are under way at most; watches are beside them. */
  constructor(target: LoadTarget, connections: number) {
    this.#target = target;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, ca: target.authority });
  }

  send(method: string, path: string, body?: unknown, type = 'application/json'): Promise<LoadAnswer> {
    return new Promise((resolve, reject) => {
      const sent = this.#request(method, path, this.#agent, type, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Counts lines; `heard` settles once `count` have come, and the watch ends with it. Settles when it is open. */
  async watch(path: string, count: number): Promise<{ readonly heard: Promise<void> }> {
    const heard = Promise.withResolvers<void>();
    await new Promise<void>((opened, reject) => {
      const sent = this.#request('GET', path, undefined, 'application/json', (response) => {
        if (response.statusCode !== 200)
          return reject(new Error(`the watch was refused: ${response.statusCode}`));
        opened();
        let left = count;
        response.on('error', () => {});
        response.on('close', () => heard.reject(new Error(`a watch ended ${left} events too early`)));
        response.on('data', (chunk: Buffer) => {
          for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) left--;
          if (left > 0) return;
          heard.resolve();
          sent.destroy();
        });
      });
      sent.on('error', reject);
      sent.end();
    });
    return { heard: heard.promise };
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(
    method: string,
    path: string,
    agent: Agent | undefined,
    type: string,
    answer: Parameters<typeof request>[2] & {},
  ) {
    const { url, token, authority } = this.#target;
    const headers = { accept: 'application/json', 'content-type': type, authorization: `Bearer ${token}` };
    return request(`${url}${path}`, { method, headers, agent, ca: authority }, answer);
  }
}

const NEWLINE = 10;
