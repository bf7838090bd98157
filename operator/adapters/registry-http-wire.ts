import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { RegistryError } from '../../src/oci/registry-error.ts';

export interface WireOptions {
  /** Certificates in PEM trusted besides those that Node brings: a registry's own authority. */
  readonly certificateAuthorities?: readonly string[];
}

export interface WireRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
  /** Asked before each redirect is followed; throws when it may not be. */
  readonly checkRedirect: (url: URL) => void;
}

/** An answer whose body is still on its way; leaving the loop over it ends the download. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: IncomingMessage;
}

const REDIRECTS_MAX = 5;
/** Body of a redirect that is read, to keep its connection. */
const REDIRECT_BYTES_MAX = 64 * 1024;
/** Idle connections kept for the next request to the same host. */
const IDLE_MAX = 8;

/** HTTP and HTTPS with connections kept open, and redirects of reads followed without taking secrets along. */
export class Wire {
  readonly #plain = new PlainAgent({ keepAlive: true, maxFreeSockets: IDLE_MAX });
  readonly #tls: TlsAgent;

  constructor({ certificateAuthorities = [] }: WireOptions = {}) {
    const ca =
      certificateAuthorities.length === 0 ? {} : { ca: [...rootCertificates, ...certificateAuthorities] };
    this.#tls = new TlsAgent({ keepAlive: true, maxFreeSockets: IDLE_MAX, ...ca });
  }

  /** Rejects as Node does; RegistryError only for redirects that lead nowhere. */
  async send(url: URL, request: WireRequest): Promise<WireAnswer> {
    let [target, headers] = [url, request.headers];
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#once(target, { ...request, headers });
      const location = answer.headers.location;
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.statusCode ?? 0);
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isRedirect || !isRead || location === undefined)
        return { status: answer.statusCode ?? 0, headers: headersOf(answer), body: answer };
      // Its body says nothing. A short one is let pass for the connection's sake; one without end would never.
      if (Number(answer.headers['content-length'] ?? Infinity) <= REDIRECT_BYTES_MAX) answer.resume();
      else answer.destroy();
      if (redirects === REDIRECTS_MAX || !URL.canParse(location, target.href))
        throw new RegistryError('malformed', `${url.origin}${url.pathname} redirects without end`);
      const next = new URL(location, target);
      request.checkRedirect(next);
      // What was granted by one host is nothing to tell another.
      if (next.origin !== target.origin)
        headers = Object.fromEntries(
          Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
        );
      target = next;
    }
  }

  #once(url: URL, { method, headers, body, signal }: WireRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const length = body === undefined && method !== 'POST' ? {} : { 'content-length': body?.length ?? 0 };
      const options = { method, signal, headers: { ...headers, ...length } };
      const request =
        url.protocol === 'https:'
          ? tlsRequest(url, { ...options, agent: this.#tls }, resolve)
          : plainRequest(url, { ...options, agent: this.#plain }, resolve);
      request.once('error', reject);
      request.end(body);
    });
  }
}

function headersOf(answer: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
}
