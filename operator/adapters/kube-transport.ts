import {
  type HttpMethod,
  IsomorphicFetchHttpLibrary,
  type KubeConfig,
  RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';
import { KubeError } from '../../src/kube/error.ts';
import { refusalOf } from './kube-refusal.ts';

export interface KubeRequest {
  readonly method: HttpMethod;
  /** From the server's root, with a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

/**
 * Sends requests with the client library's addresses, certificates and credentials (exec plugins and
 * OIDC included), and turns every way to fail into a KubeError.
 */
export class KubeTransport {
  readonly #config: KubeConfig;
  readonly #http = new IsomorphicFetchHttpLibrary();
  #dispatcher: ReturnType<RequestContext['getDispatcher']>;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** The answer, its status below 400. Rejects with KubeError; `Unreachable` when there was no answer. */
  async send(request: KubeRequest): Promise<ResponseContext> {
    let response: ResponseContext;
    try {
      response = await this.#http.send(await this.#context(request)).toPromise();
    } catch (error) {
      this.#dispatcher = undefined;
      throw unreachable(error);
    }
    if (response.httpStatusCode < 400) return response;
    if (response.httpStatusCode === 401) this.#dispatcher = undefined;
    const body = await response.body.text().catch(() => '');
    throw refusalOf(response.httpStatusCode, parsed(body), response.headers['retry-after']);
  }

  /** The answer's body as JSON. */
  async json(request: KubeRequest): Promise<unknown> {
    const response = await this.send(request);
    try {
      return JSON.parse(await response.body.text());
    } catch (error) {
      throw unreachable(error);
    }
  }

  async #context({
    method,
    path,
    query = {},
    body,
    contentType,
    signal,
  }: KubeRequest): Promise<RequestContext> {
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig names no cluster');
    const url = new URL(server.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const context = new RequestContext(url.toString(), method);
    context.setHeaderParam('Accept', 'application/json');
    context.setHeaderParam('User-Agent', 'brickproof');
    if (body !== undefined) {
      context.setHeaderParam('Content-Type', contentType ?? 'application/json');
      context.setBody(JSON.stringify(body));
    }
    await this.#config.applySecurityAuthentication(context);
    this.#reuseConnections(context);
    context.setSignal(signal);
    return context;
  }

  /** The library makes a new connection pool for every request; one is kept until credentials may have changed. */
  #reuseConnections(context: RequestContext): void {
    if (this.#dispatcher !== undefined) context.setDispatcher(this.#dispatcher);
    else this.#dispatcher = context.getDispatcher();
  }
}

export function unreachable(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new KubeError('Unreachable', describeSilence(cause), {}, { cause: error });
}

/** Source: Node.js, tls, "X509 certificate error codes". */
const UNTRUSTED = /^(CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_CERT|INVALID_CA)/;

/** No request was answered, or none was sent; the remedies are not the same. */
function describeSilence(cause: unknown): string {
  if (!(cause instanceof Error)) return `the API server did not answer: ${cause}`;
  const { code = '', syscall = '', path = '' } = cause as NodeJS.ErrnoException;
  if (UNTRUSTED.test(code))
    return `the API server's certificate is not to be trusted (${cause.message}); look at certificate-authority in the kubeconfig`;
  if (syscall.startsWith('spawn'))
    return `the program that the kubeconfig has for credentials cannot be run: ${cause.message}`;
  if (syscall === 'open') return `a file that the kubeconfig names cannot be read: ${path} (${code})`;
  return `the API server did not answer: ${cause.message}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? undefined : { message: text.slice(0, 1000) };
  }
}
