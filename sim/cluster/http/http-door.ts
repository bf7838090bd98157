import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse as parseYaml } from 'yaml';
import { KubeError } from '../../../src/kube/error.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { RequestKey } from '../in-process.ts';
import type { Served } from '../resource.ts';
import { badRequest, notServed } from '../status-errors.ts';
import { documentAt } from './documents.ts';
import { bodyFormat, negotiate, patchFormat } from './negotiation.ts';
import {
  answerResource,
  includedIn,
  type ResourceRequest,
  selection,
  verbOf,
  wholeNumber,
} from './resource-answer.ts';
import { parseRoute, type ResourceRoute } from './route.ts';
import { failureBody } from './status-body.ts';
import { streamWatch } from './watch-stream.ts';

/** Source: kube-apiserver's MaxRequestBodyBytes. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** A client this far behind is dropped; it will list again. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;

/** The embedded cluster for programs outside this process: HTTP/1.1 without TLS, JSON in and out. */
export class HttpDoor {
  readonly #cluster: EmbeddedCluster;
  readonly #user: string;
  readonly #server: Server;
  readonly #streams = new Set<() => void>();

  /** `user` is whom everybody who comes through this door is taken for. */
  constructor(cluster: EmbeddedCluster, user = 'admin') {
    this.#cluster = cluster;
    this.#user = user;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Returns the URL; port 0 is a free one. Rejects when the port is taken. */
  async listen(port = 0, host = '127.0.0.1'): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const { port: bound } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  }

  /** Ends every watch and connection. */
  async close(): Promise<void> {
    for (const stop of [...this.#streams]) stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://cluster');
      const route = parseRoute(url.pathname);
      if (route === undefined) throw notServed();
      if (route.type === 'resource') await this.#serveResource(route, url.searchParams, request, response);
      else {
        const { body, contentType } = documentAt(this.#cluster.server.catalog, route, request.headers.accept);
        send(response, 200, body, contentType);
      }
    } catch (error) {
      const refusal =
        error instanceof KubeError
          ? error
          : new KubeError('InternalError', `Internal error occurred: ${error}`);
      const { retryAfterSeconds } = refusal.details;
      if (refusal.code === 0 || response.headersSent) return void response.destroy();
      if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
      send(response, refusal.code, failureBody(refusal));
    }
  }

  async #serveResource(
    route: ResourceRoute,
    query: URLSearchParams,
    message: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const served = this.#cluster.server.catalog.served(route.apiVersion, route.plural);
    if (served === undefined || (route.namespace !== undefined && !served.resource.namespaced))
      throw notServed();
    const request: ResourceRequest = {
      method: message.method ?? 'GET',
      route,
      query,
      accept: message.headers.accept,
      contentType: message.headers['content-type'],
      body: await readBody(message),
      user: this.#user,
    };
    const verb = verbOf(served, request);
    const fault = this.#cluster.faultOf(verb, served, keyOf(request), request.user);
    if (fault?.latencyMs !== undefined && fault.latencyMs > 0)
      await this.#cluster.server.clock.sleep(fault.latencyMs);
    if (fault?.error !== undefined && fault.carriedOut !== true) throw fault.error;
    if (verb === 'watch') return this.#stream(served, request, response);
    const answer = answerResource(this.#cluster, served, request);
    if (fault?.error !== undefined) throw fault.error;
    if (answer.warnings.length > 0)
      response.setHeader(
        'Warning',
        answer.warnings.map((text) => `299 - ${JSON.stringify(text)}`),
      );
    send(response, answer.status, answer.body);
  }

  #stream(served: Served, request: ResourceRequest, response: ServerResponse): void {
    const { query } = request;
    const resourceVersion = query.get('resourceVersion');
    const options = {
      shape: negotiate(request.accept, ['object', 'table', 'metadata']),
      included: includedIn(query),
      timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
    };
    const watchRequest = {
      user: request.user,
      ...selection(request),
      ...(resourceVersion !== null && { resourceVersion }),
      allowWatchBookmarks: query.get('allowWatchBookmarks') === 'true',
      sendInitialEvents: query.get('sendInitialEvents') === 'true',
    };
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
    response.flushHeaders();
    const stop = streamWatch(this.#cluster, served, watchRequest, options, {
      write: (line) => {
        response.write(line);
        if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
      },
      end: () => void response.end(),
      // Once it is on its way: what was written before the break should arrive.
      breakOff: (half) => void response.write(half, () => response.destroy()),
    });
    this.#streams.add(stop);
    response.on('close', () => {
      this.#streams.delete(stop);
      stop();
    });
  }
}

function keyOf({ route: { namespace, name }, query }: ResourceRequest): RequestKey {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(query.get('continue') && { continued: true }),
  };
}

function send(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(bytes);
}

/** The body as JSON; undefined when there is none. Throws BadRequest, UnsupportedMediaType or RequestEntityTooLarge. */
async function readBody(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= BODY_BYTES_MAX) chunks.push(chunk);
    // Read on, so that the answer is heard, but not for ever.
    else if (length > 8 * BODY_BYTES_MAX) break;
  }
  if (length > BODY_BYTES_MAX)
    throw new KubeError('RequestEntityTooLarge', `Request entity too large: limit is ${BODY_BYTES_MAX}`);
  if (length === 0) return undefined;
  const type = message.headers['content-type'];
  const format = message.method === 'PATCH' ? patchFormat(type) : bodyFormat(type);
  const text = Buffer.concat(chunks).toString();
  try {
    return format === 'yaml' || format === 'apply' ? parseYaml(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type JSON or YAML): ${(error as Error).message}`,
    );
  }
}
