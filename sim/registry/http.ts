import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/time/clock.ts';
import { type Intercept, type RegistryFault, spoil } from './fault.ts';
import { type ApiAnswer, type ApiRequest, answerError } from './http-answer.ts';
import { answerRequest } from './http-api.ts';
import { Gatekeeper, type RegistryAuth } from './http-auth.ts';
import { answerFault, requestOf, sendBody } from './http-faults.ts';
import type { RegistryStore } from './store.ts';
import type { TrafficMeter } from './traffic-meter.ts';
import { UploadSessions } from './uploads.ts';

export interface HandlerOptions {
  /** Largest request body; default 256 MiB. */
  readonly bodyBytesMax?: number;
  /** Refuse everything that changes content; default false. */
  readonly isReadOnly?: boolean;
  /** Absent: everybody may do everything. */
  readonly auth?: RegistryAuth;
  /** Certificate and key in PEM: the server speaks TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** What goes wrong, and the clock that its delays pass on. */
  readonly faults?: { readonly intercept: Intercept; readonly clock: Clock };
  /** Counts the content that is handed to the sockets. */
  readonly meter?: TrafficMeter;
}

export interface ServeOptions extends HandlerOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly address?: string;
  /** Default 0: any free port. */
  readonly port?: number;
}

export interface RegistryServer {
  /** `127.0.0.1:40123`: the host part of a reference. */
  readonly host: string;
  /** Drops open connections. Idempotent. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 256 * 1024 * 1024;

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** The store as an OCI distribution API over HTTP. */
export function registryHandler(store: RegistryStore, options: HandlerOptions = {}): HttpHandler {
  const context = { store, uploads: new UploadSessions() };
  const { bodyBytesMax = BODY_BYTES_MAX, auth, isReadOnly = false, faults, meter } = options;
  const gatekeeper = auth === undefined ? undefined : new Gatekeeper(auth, options.tls !== undefined);
  const decide = (request: ApiRequest, fault: RegistryFault | undefined): ApiAnswer => {
    if (fault?.kind === 'expired-token' && gatekeeper !== undefined) return gatekeeper.challenge(request);
    const stopped = (fault === undefined ? undefined : answerFault(fault)) ?? gatekeeper?.stop(request);
    if (stopped !== undefined) return stopped;
    if (isReadOnly && request.method !== 'GET' && request.method !== 'HEAD')
      return answerError('UNSUPPORTED', 'this registry is read-only');
    return spoilAnswer(answerRequest(context, request, movedTo(fault)), fault);
  };
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(incoming, bodyBytesMax);
    if (body === undefined) {
      const headers = { connection: 'close' };
      await send(
        response,
        answerError('SIZE_INVALID', `a request has at most ${bodyBytesMax} bytes`, headers),
      );
      return;
    }
    const request = requestFrom(incoming, body);
    const seen = requestOf(request, incoming.headers.host ?? '');
    const fault = seen === undefined ? undefined : faults?.intercept(seen);
    if (fault?.delayMs !== undefined) await faults?.clock.sleep(fault.delayMs);
    const given = decide(request, fault);
    const isContent = incoming.method === 'GET' && (given.status === 200 || given.status === 206);
    const count =
      isContent && seen !== undefined && /^(resolve|manifest|blob)$/.test(seen.operation)
        ? meter?.answer(seen.name, movedTo(fault) ?? seen.target)
        : undefined;
    await send(response, given, incoming.method, (bytes) =>
      sendBody(response, bytes, isContent ? fault : undefined, faults?.clock, count),
    );
  };
  return (incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${error}`);
    });
  };
}

/** Paths need a host to be read; which one does not matter. */
const BASE = 'http://registry';

function requestFrom(incoming: IncomingMessage, body: Uint8Array): ApiRequest {
  const target = incoming.url ?? '/';
  // What is no path under any host is a path to nothing.
  const url = new URL(URL.canParse(target, BASE) ? target : '/', BASE);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    header: (name) => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body,
  };
}

/** Headers, and the body where the method and the status have one. */
async function send(
  response: ServerResponse,
  given: ApiAnswer,
  method: string | undefined = 'GET',
  sendContent: (bytes: Uint8Array) => Promise<void> = async (bytes) => void response.end(bytes),
): Promise<void> {
  const bodiless = given.status === 204 || given.status === 304;
  response.writeHead(given.status, {
    'docker-distribution-api-version': 'registry/2.0',
    ...given.headers,
    ...(bodiless ? {} : { 'content-length': given.body.length }),
  });
  if (method === 'HEAD' || bodiless) response.end();
  else await sendContent(given.body);
}

/** The manifest that is answered while the fault lasts, whichever was asked for. */
function movedTo(fault: RegistryFault | undefined): string | undefined {
  return fault?.kind === 'tag-moved' || fault?.kind === 'swapped-manifest' ? fault.digest : undefined;
}

function spoilAnswer(given: ApiAnswer, fault: RegistryFault | undefined): ApiAnswer {
  if (fault?.kind === 'flipped-byte') return { ...given, body: spoil(given.body, fault) };
  if (fault?.kind !== 'wrong-digest' || given.headers['docker-content-digest'] === undefined) return given;
  return { ...given, headers: { ...given.headers, 'docker-content-digest': fault.digest } };
}

/** Listens until closed. */
export async function serveRegistry(
  store: RegistryStore,
  options: ServeOptions = {},
): Promise<RegistryServer> {
  const handler = registryHandler(store, options);
  const { tls } = options;
  const server: Server =
    tls === undefined
      ? createServer(handler)
      : createTlsServer({ cert: tls.certificate, key: tls.key }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.address ?? '127.0.0.1', resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  return {
    host: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The whole body; undefined when it is larger than `bytesMax`. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // The socket must live on, or the client would see a reset instead of the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  const { buffer, byteOffset, length } = Buffer.concat(chunks);
  return new Uint8Array(buffer, byteOffset, length);
}
