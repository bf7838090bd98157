import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { DisturbedStream } from '../../sim/cluster/disturbed-stream.ts';
import { parseRoute } from '../../sim/cluster/http/route.ts';
import { failureBody } from '../../sim/cluster/http/status-body.ts';
import type { Verb } from '../../sim/cluster/in-process.ts';
import type { Delivery } from '../../sim/cluster/reads.ts';
import type { StoredObject } from '../../sim/cluster/stored-object.ts';
import type { ApiWeather } from '../../sim/faults/api-weather.ts';
import { KubeError } from '../../src/kube/error.ts';
import type { Kind } from '../../src/kube/object.ts';
import type { Clock } from '../../src/time/clock.ts';

export interface ProxyParts {
  /** `https://…` of the real server, and the PEM that its certificate verifies against. */
  readonly url: string;
  readonly ca: string;
  readonly weather: ApiWeather;
  /** Delays and latencies are measured on it. */
  readonly clock: Clock;
  /** Everybody who comes through is taken for this user by the faults; the server sees their own token. */
  readonly user: string;
  /** Of one kind the faults can be; all other requests pass. */
  readonly kind: Kind;
}

/** One line of a watch, as bytes and as what it says. */
interface Line {
  readonly text: string;
  readonly delivery: Delivery;
}

/** Stands between a client and a real API server, and does to them what the embedded cluster's weather does to its clients. */
export class FaultProxy {
  readonly #parts: ProxyParts;
  readonly #agent: Agent;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => refuse(response, error));
  });
  #watches = 0;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#agent = new Agent({ keepAlive: true, ca: parts.ca });
  }

  /** Watches that clients hold open now. */
  get watches(): number {
    return this.#watches;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    this.#agent.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { weather, clock, user, kind } = this.#parts;
    const url = new URL(request.url ?? '/', this.#parts.url);
    const verb = verbOf(request, url, kind);
    if (verb === undefined) return this.#pass(request, response, url);
    const continued = url.searchParams.has('continue');
    const fault = weather.intercept(verb, kind, continued ? { continued } : {}, user);
    if (fault?.latencyMs) await clock.sleep(fault.latencyMs);
    if (fault?.error !== undefined) throw fault.error;
    if (verb === 'watch') await this.#watch(request, response, url);
    else await this.#pass(request, response, url);
  }

  async #pass(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const answer = await this.#ask(request, url);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  }

  async #watch(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { weather, clock, user, kind } = this.#parts;
    const answer = await this.#ask(request, url);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    this.#watches++;
    const stream = new DisturbedStream<Line>(
      clock,
      ({ delivery }) => weather.interceptWatch(kind, delivery, user),
      {
        deliver: ({ text }) => void response.write(text),
        end: () => void response.end(),
        fail: (error) =>
          void response.end(`${JSON.stringify({ type: 'ERROR', object: failureBody(error) })}\n`),
        breakOff: ({ text }) =>
          void response.write(text.slice(0, text.length >> 1), () => response.destroy()),
        stall: () => {},
      },
    );
    stream.attach(() => answer.destroy());
    response.on('close', () => {
      this.#watches--;
      stream.close();
    });
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) receive(stream, response, `${text}\n`);
    });
    answer.on('end', () => stream.end());
    answer.on('error', () => stream.end());
  }

  /** Rejects with Unreachable when the server does not answer. */
  #ask(request: IncomingMessage, url: URL): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { ...request.headers, host: url.host };
      const upstream = httpsRequest(url, { method: request.method, headers, agent: this.#agent }, resolve);
      upstream.on('error', (cause) => reject(new KubeError('Unreachable', cause.message)));
      request.on('error', () => upstream.destroy());
      request.pipe(upstream);
    });
  }
}

/** What is no event passes untouched: an ERROR of the server's own. */
function receive(stream: DisturbedStream<Line>, response: ServerResponse, text: string): void {
  const { type, object } = JSON.parse(text) as { type: string; object: StoredObject };
  const { resourceVersion } = object.metadata;
  if (type === 'BOOKMARK') stream.receive({ text, delivery: { type, resourceVersion } });
  else if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
    stream.receive({ text, delivery: { type, object } });
  else response.write(text);
}

/** Undefined for what faults leave alone. */
function verbOf(request: IncomingMessage, url: URL, kind: Kind): Verb | undefined {
  const route = parseRoute(url.pathname);
  if (route?.type !== 'resource' || route.plural !== kind.plural || request.method !== 'GET')
    return undefined;
  if (url.searchParams.get('watch') === 'true') return 'watch';
  return route.name === undefined ? 'list' : 'get';
}

function refuse(response: ServerResponse, error: unknown): void {
  if (!(error instanceof KubeError) || error.code === 0 || response.headersSent) {
    response.destroy();
    return;
  }
  const { retryAfterSeconds } = error.details;
  response.writeHead(error.code, {
    'Content-Type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify(failureBody(error)));
}
