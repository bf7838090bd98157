import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';
import { KubeError } from '../../../src/kube/error.ts';
import type { Credential } from '../auth/certificate-authority.ts';
import type { UserInfo } from '../auth/user.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { RequestKey } from '../in-process.ts';
import { endsInitialEvents } from '../reads.ts';
import { type Served, splitApiVersion } from '../resource.ts';
import { checkSelectors } from '../selection.ts';
import { notServed, PAGE_NOT_FOUND, pageNotFound } from '../status-errors.ts';
import { documentAt } from './documents.ts';
import { authenticate } from './http-authentication.ts';
import { readBody } from './http-body.ts';
import { impersonated } from './impersonation.ts';
import { negotiate, prefersYaml, refuseYaml } from './negotiation.ts';
import { checkWatchOptions, isTrue, wholeNumber } from './read-options.ts';
import { requestedAccess } from './requested-access.ts';
import { answerResource, includedIn, selection, verbOf } from './resource-answer.ts';
import type { ResourceRequest } from './resource-request.ts';
import { parseRoute, type ResourceRoute } from './route.ts';
import { failureBody } from './status-body.ts';
import { streamWatch } from './watch-stream.ts';

/** A client this far behind is dropped; it will list again. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;

/** What a door with TLS shows, and whose client certificates it believes. */
export interface DoorTls extends Credential {
  /** PEM. */
  readonly authority: string;
}

/** The embedded cluster for programs outside this process: HTTP/1.1, JSON out, JSON, YAML and protobuf in. */
export class HttpDoor {
  readonly #cluster: EmbeddedCluster;
  readonly #scheme: 'http' | 'https';
  readonly #server: Server;
  readonly #streams = new Set<() => void>();

  /** Without TLS nobody can show a certificate, and tokens go in the clear. */
  constructor(cluster: EmbeddedCluster, tls?: DoorTls) {
    this.#cluster = cluster;
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server =
      tls === undefined
        ? createServer(serve)
        : createTlsServer(
            {
              ...{ cert: tls.certificate, key: tls.key, ca: tls.authority },
              // Who comes without a certificate may have a token; a bad one is answered with 401.
              ...{ requestCert: true, rejectUnauthorized: false },
            },
            serve,
          );
  }

  /** Returns the URL; port 0 is a free one. Rejects when the port is taken. */
  async listen(port = 0, host = '127.0.0.1'): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const { port: bound } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${host.includes(':') ? `[${host}]` : host}:${bound}`;
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
      const { access } = this.#cluster;
      const url = new URL(request.url ?? '/', 'http://cluster');
      const route = parseRoute(url.pathname);
      const user = impersonated(access, authenticate(access, request), request.headersDistinct);
      access.demand(user, requestedAccess(request.method ?? 'GET', url, route));
      if (route === undefined) throw notServed();
      if (route.type === 'resource')
        await this.#serveResource(route, url.searchParams, user, request, response);
      else {
        const { body, contentType } = documentAt(this.#cluster, route, request.headers.accept);
        sendShaped(request, response, 200, body, contentType);
      }
    } catch (error) {
      const refusal =
        error instanceof KubeError
          ? error
          : new KubeError('InternalError', `Internal error occurred: ${error}`);
      const { retryAfterSeconds } = refusal.details;
      if (refusal.code === 0 || response.headersSent) return void response.destroy();
      if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
      if (refusal.message === PAGE_NOT_FOUND)
        send(response, 404, `${PAGE_NOT_FOUND}\n`, 'text/plain; charset=utf-8');
      else sendShaped(request, response, refusal.code, failureBody(refusal));
    }
  }

  /** Whether the group has kinds of the server's own. */
  #isBuiltIn(apiVersion: string): boolean {
    const { group } = splitApiVersion(apiVersion);
    return this.#cluster.server.catalog.all().some((one) => one.group === group && !one.custom);
  }

  async #serveResource(
    route: ResourceRoute,
    query: URLSearchParams,
    user: UserInfo,
    message: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const served = this.#cluster.server.catalog.served(route.apiVersion, route.plural);
    if (served === undefined || (route.namespace !== undefined && !served.resource.namespaced))
      throw this.#isBuiltIn(route.apiVersion) ? notServed() : pageNotFound();
    const { value: body, bytes: bodyBytes, ...repeated } = await readBody(message, served.resource);
    const request: ResourceRequest = {
      method: message.method ?? 'GET',
      route,
      query,
      accept: message.headers.accept,
      contentType: message.headers['content-type'],
      body,
      bodyBytes,
      ...repeated,
      userAgent: message.headers['user-agent'],
      user,
    };
    const verb = verbOf(served, request);
    const fault = this.#cluster.faultOf(verb, served, keyOf(request), user.name);
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
    sendShaped(message, response, answer.status, answer.body);
  }

  #stream(served: Served, request: ResourceRequest, response: ServerResponse): void {
    const { query } = request;
    refuseYaml(request.accept);
    const resourceVersion = query.get('resourceVersion');
    const watchRequest = {
      user: request.user.name,
      ...selection(request),
      ...(resourceVersion !== null && { resourceVersion }),
      allowWatchBookmarks: isTrue(query, 'allowWatchBookmarks'),
      ...(query.has('sendInitialEvents') && { sendInitialEvents: isTrue(query, 'sendInitialEvents') }),
    };
    // A table cannot say where what was there in the beginning ends.
    const isPlain = !endsInitialEvents(watchRequest);
    const options = {
      shape: negotiate(request.accept, ['object', 'metadata', ...(isPlain ? (['table'] as const) : [])]),
      included: includedIn(query),
      timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
    };
    checkWatchOptions(query);
    checkSelectors(served, watchRequest);
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

/** JSON is sent as YAML to who prefers it. */
function sendShaped(
  { headers }: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: unknown,
  type = 'application/json',
): void {
  if (typeof body === 'string' || body instanceof Uint8Array || !prefersYaml(headers.accept))
    send(response, status, body, type);
  else {
    const plain = JSON.parse(JSON.stringify(body)) as unknown;
    const text = stringify(plain, { sortMapEntries: true, lineWidth: 0 });
    send(response, status, text, 'application/yaml');
  }
}

function send(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(bytes);
}
