import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { jsonLines } from '../../operator/adapters/kube-watch-lines.ts';
import { reasonOfStatus } from '../../src/kube/error.ts';
import { causeLines, type Refusal } from './refusal.ts';

export interface WireRequest {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  /** Default: application/json. */
  readonly contentType?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown;
}

/** Says to an API server exactly what a case wants said, and hears exactly what comes back. */
export class Wire {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: HttpAgent;

  /** `ca` is PEM, for https. */
  constructor({ url, token, ca }: { readonly url: string; readonly token?: string; readonly ca?: string }) {
    this.#url = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = { keepAlive: true };
    this.#agent = url.startsWith('https:')
      ? new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) })
      : new HttpAgent(options);
  }

  async send(method: string, path: string, request: WireRequest = {}): Promise<Reply> {
    const response = await this.#open(method, path, request);
    const body = await text(response);
    return { status: response.statusCode ?? 0, headers: response.headers, body: parsed(body) };
  }

  /** The refusal that a request meets. Throws when it is not refused. */
  async refusal(method: string, path: string, request: WireRequest = {}): Promise<Refusal> {
    const { status, body } = await this.send(method, path, request);
    if (status < 400) throw new Error(`the request was not refused: ${status} ${JSON.stringify(body)}`);
    return refusalIn(body);
  }

  /** The first `count` lines of a watch; more may follow, nobody waits for them. */
  async lines(path: string, count: number, request: WireRequest = {}): Promise<readonly WatchLine[]> {
    const query = { ...request.query, watch: true };
    const response = await this.#open('GET', path, { ...request, query });
    if (response.statusCode !== 200)
      throw new Error(`the watch was refused: ${response.statusCode} ${await text(response)}`);
    const lines: WatchLine[] = [];
    try {
      for await (const line of jsonLines(response)) if (lines.push(line as WatchLine) === count) break;
    } finally {
      response.destroy();
    }
    return lines;
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, request: WireRequest): Promise<IncomingMessage> {
    const { query = {}, headers = {}, contentType = 'application/json' } = request;
    const body = bytesOf(request.body);
    const url = new URL(this.#url + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.append(name, String(value));
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const out: ClientRequest = send(
        url,
        {
          method,
          agent: this.#agent,
          headers: {
            accept: 'application/json',
            ...(body !== undefined && { 'content-type': contentType, 'content-length': body.length }),
            ...this.#headers,
            ...headers,
          },
        },
        resolve,
      );
      out.on('error', reject);
      out.end(body);
    });
  }
}

export interface WatchLine {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>> & {
    readonly metadata: Readonly<Record<string, unknown>>;
  };
}

interface StatusBody {
  readonly reason?: string;
  readonly code?: number;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly field?: string }[] };
}

export function refusalIn(body: unknown): Refusal {
  // Some answers have no body of the API's own, and some errors no reason.
  if (typeof body === 'string') return { reason: '', code: 0, message: body.trim(), causes: [] };
  const { reason, code = 0, message = '', details } = body as StatusBody;
  return { reason: reason ?? reasonOfStatus(code), code, message, causes: causeLines(details?.causes) };
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
