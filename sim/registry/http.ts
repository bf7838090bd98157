import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerError } from './http-answer.ts';
import { answerRequest } from './http-api.ts';
import type { RegistryStore } from './store.ts';
import { UploadSessions } from './uploads.ts';

export interface ServeOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly address?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Largest request body; default 256 MiB. */
  readonly bodyBytesMax?: number;
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
export function registryHandler(store: RegistryStore, bodyBytesMax = BODY_BYTES_MAX): HttpHandler {
  const context = { store, uploads: new UploadSessions() };
  return (request, response) => {
    void (async () => {
      const body = await readBody(request, bodyBytesMax);
      const url = new URL(request.url ?? '/', 'http://registry');
      const given =
        body === undefined
          ? answerError('SIZE_INVALID', `a request has at most ${bodyBytesMax} bytes`, {
              connection: 'close',
            })
          : answerRequest(context, {
              method: request.method ?? 'GET',
              path: url.pathname,
              query: url.searchParams,
              header: (name) => {
                const value = request.headers[name];
                return Array.isArray(value) ? value.join(', ') : value;
              },
              body,
            });
      const bodiless = given.status === 204 || given.status === 304;
      response.writeHead(given.status, {
        'docker-distribution-api-version': 'registry/2.0',
        ...given.headers,
        ...(bodiless ? {} : { 'content-length': given.body.length }),
      });
      response.end(request.method === 'HEAD' || bodiless ? undefined : given.body);
    })().catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${error}`);
    });
  };
}

/** Listens until closed. */
export async function serveRegistry(
  store: RegistryStore,
  options: ServeOptions = {},
): Promise<RegistryServer> {
  const server = createServer(registryHandler(store, options.bodyBytesMax));
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
