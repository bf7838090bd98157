import { MANIFEST_BYTES_MAX } from '../../src/oci/manifest.ts';
import type { Repository } from '../../src/oci/reference.ts';
import { quote } from '../../src/oci/refusal.ts';
import { RegistryError, type RegistryErrorCode } from '../../src/oci/registry-error.ts';
import type { Clock } from '../../src/time/clock.ts';
import {
  basicAuthorization,
  type Challenge,
  type Credentials,
  parseChallenge,
  parseToken,
  tokenRequest,
} from './registry-http-auth.ts';
import { readBody, receiveBody } from './registry-http-body.ts';
import { retryAfterMs } from './registry-http-retry-after.ts';
import { Turnstile } from './registry-http-turnstile.ts';
import { Wire, type WireOptions, type WireRequest } from './registry-http-wire.ts';

export interface TransportOptions extends WireOptions {
  /** The clock that real I/O happens on. */
  readonly clock: Clock;
  /** Asked once per challenge; absent or undefined: anonymous. */
  readonly credentials?: (host: string) => Credentials | undefined | Promise<Credentials | undefined>;
  /** Hosts to be spoken to without TLS, besides this machine's own. */
  readonly insecureHosts?: readonly string[];
  /** Hosts to be spoken to with TLS although they are this machine's own. */
  readonly secureHosts?: readonly string[];
  /** A request that makes no progress for so long is given up as `timeout`. */
  readonly stallMsMax?: number;
  /** Requests on their way at once, to all hosts together; default 8. */
  readonly requestsMax?: number;
}

/** A piece of an answer's body. */
export interface Piece {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** True for the first piece of each answer. */
  readonly isFirst: boolean;
}

/** One request to one registry. */
export interface Exchange {
  readonly host: string;
  /** Repository, for the token's scope. */
  readonly name: string;
  readonly access: 'pull' | 'push';
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** Path and query under the host, or a whole URL that the registry gave. */
  readonly target: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Largest body that is read. */
  readonly bytesMax: number;
  /** Status 404 is an answer, not an error. */
  readonly mayBeAbsent: boolean;
  /** Takes a good answer's body as it arrives; the answer then comes back without one. */
  readonly receive?: (piece: Piece) => void;
}

type Details = Partial<
  Pick<Exchange, 'access' | 'headers' | 'body' | 'bytesMax' | 'mayBeAbsent' | 'receive'>
>;

/** A request on `repository`; a pull without body whose answer is at most a manifest, unless told otherwise. */
export function exchangeWith(
  { host, name }: Repository,
  method: Exchange['method'],
  target: Exchange['target'],
  details: Details = {},
): Exchange {
  const usual = { access: 'pull', headers: {}, bytesMax: MANIFEST_BYTES_MAX, mayBeAbsent: false } as const;
  return { host, name, method, target, ...usual, ...details };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const STALL_MS_MAX = 30_000;
const REQUESTS_MAX = 8;
const TOKEN_BYTES_MAX = 64 * 1024;
const ERROR_BYTES_MAX = 64 * 1024;
/** Docker Hub's API is not at the name its references carry. */
const API_HOST: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** Sends single requests: where to, with which authorization, for how long. Retrying is the caller's. */
export class RegistryTransport {
  readonly #clock: Clock;
  readonly #credentials: NonNullable<TransportOptions['credentials']>;
  readonly #insecureHosts: ReadonlySet<string>;
  readonly #secureHosts: ReadonlySet<string>;
  readonly #stallMsMax: number;
  readonly #wire: Wire;
  readonly #turnstile: Turnstile;
  /** Authorization that worked, by host, repository and access. */
  readonly #granted = new Map<string, { readonly value: string; readonly untilMs: number }>();

  constructor(options: TransportOptions) {
    this.#clock = options.clock;
    this.#credentials = options.credentials ?? (() => undefined);
    this.#insecureHosts = new Set(options.insecureHosts);
    this.#secureHosts = new Set(options.secureHosts);
    this.#stallMsMax = options.stallMsMax ?? STALL_MS_MAX;
    this.#wire = new Wire(options);
    this.#turnstile = new Turnstile(options.requestsMax ?? REQUESTS_MAX);
  }

  /** Address of `target` on `host`; throws RegistryError `malformed` when a URL given by the registry leaves TLS. */
  urlOf(host: string, target: string | URL): URL {
    const plain = this.#isPlain(host);
    const base = `${plain ? 'http' : 'https'}://${API_HOST[host] ?? host}`;
    if (!URL.canParse(`${target}`, base))
      throw new RegistryError('malformed', `${host} sends us on to what is not a URL`);
    const url = new URL(target, base);
    this.#checkScheme(host, url);
    return url;
  }

  #checkScheme(host: string, url: URL): void {
    if (url.protocol === 'https:' || (url.protocol === 'http:' && this.#isPlain(host))) return;
    throw new RegistryError('malformed', `${host} sends us on to ${url.origin}, which is not HTTPS`);
  }

  /**
   * Sends the request; answers a challenge once. A status of 400 or more is a RegistryError, but for a
   * 404 where the exchange may meet one.
   */
  async send(exchange: Exchange): Promise<Answer> {
    const key = `${exchange.host} ${exchange.name} ${exchange.access}`;
    const granted = this.#granted.get(key);
    const usable = granted !== undefined && granted.untilMs > this.#clock.nowMs ? granted.value : undefined;
    const first = await this.#attempt(exchange, usable);
    if (first.status !== 401) return this.#checked(exchange, first);
    this.#granted.delete(key);
    const challenge = parseChallenge(first.headers.get('www-authenticate') ?? '');
    const answer = challenge === undefined ? undefined : await this.#authorize(exchange, challenge);
    if (answer === undefined) return this.#checked(exchange, first);
    const second = await this.#attempt(exchange, answer.value);
    if (second.status !== 401) this.#granted.set(key, answer);
    return this.#checked(exchange, second);
  }

  async #authorize(
    { host, name, access }: Exchange,
    challenge: Challenge,
  ): Promise<{ value: string; untilMs: number } | undefined> {
    const credentials = await this.#credentials(host);
    if (challenge.scheme === 'basic') {
      const basic = basicAuthorization(credentials);
      return basic === undefined ? undefined : { value: basic, untilMs: Number.POSITIVE_INFINITY };
    }
    const scope = `repository:${name}:${access === 'push' ? 'pull,push' : 'pull'}`;
    const { method, url, ...rest } = tokenRequest(challenge, scope, this.#isPlain(host), credentials);
    const answer = await this.#fetch(method, url, rest, { bytesMax: TOKEN_BYTES_MAX });
    if (answer.status >= 500 || answer.status === 429) throw this.#errorOf(method, url, answer);
    const token = answer.status === 200 ? parseToken(answer.body) : undefined;
    if (token === undefined)
      throw new RegistryError(
        'unauthorized',
        `${url.origin} gave no token for ${host}/${name} (status ${answer.status})`,
      );
    return { value: `Bearer ${token.token}`, untilMs: this.#clock.nowMs + token.lifetimeMs * 0.9 };
  }

  #attempt(exchange: Exchange, authorization: string | undefined): Promise<Answer> {
    const url = this.urlOf(exchange.host, exchange.target);
    // A registry may send an upload elsewhere (a bucket); its own token has no business there.
    const isOwn = url.origin === this.urlOf(exchange.host, '/').origin;
    const headers = {
      'accept-encoding': 'identity',
      ...exchange.headers,
      ...(authorization !== undefined && isOwn ? { authorization } : {}),
    };
    const body = exchange.body === undefined ? {} : { body: exchange.body };
    return this.#fetch(exchange.method, url, { headers, ...body }, exchange);
  }

  #fetch(
    method: string,
    url: URL,
    content: Pick<WireRequest, 'headers' | 'body'>,
    limits: Pick<Exchange, 'bytesMax' | 'receive'>,
  ): Promise<Answer> {
    return this.#turnstile.pass(() => this.#fetchNow(method, url, content, limits));
  }

  async #fetchNow(
    method: string,
    url: URL,
    content: Pick<WireRequest, 'headers' | 'body'>,
    { bytesMax, receive }: Pick<Exchange, 'bytesMax' | 'receive'>,
  ): Promise<Answer> {
    const abort = new AbortController();
    const stalled = (): void => abort.abort();
    let timer = this.#clock.after(this.#stallMsMax, stalled);
    const progress = (): void => {
      timer.cancel();
      timer = this.#clock.after(this.#stallMsMax, stalled);
    };
    const checkRedirect = (next: URL): void => this.#checkScheme(url.host, next);
    const nothing = new Uint8Array(0);
    try {
      const wired = { ...content, method, signal: abort.signal, checkRedirect };
      const { status, headers, body } = await this.#wire.send(url, wired);
      progress();
      if (method === 'HEAD') {
        body.resume();
        return { status, headers, body: nothing };
      }
      if (status >= 400) {
        // What an error page says is a courtesy; one that is too long says nothing.
        return {
          status,
          headers,
          body: await readBody(body, ERROR_BYTES_MAX, progress).catch(() => nothing),
        };
      }
      if (receive === undefined) return { status, headers, body: await readBody(body, bytesMax, progress) };
      let isFirst = true;
      await receiveBody(body, bytesMax, (bytes) => {
        progress();
        receive({ status, headers, bytes, isFirst });
        isFirst = false;
      });
      return { status, headers, body: nothing };
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      const where = `${method} ${url.origin}${url.pathname}`;
      if (abort.signal.aborted)
        throw new RegistryError('timeout', `${where}: no progress for ${this.#stallMsMax} ms`);
      throw new RegistryError('unavailable', `${where}: ${reasonOf(error)}`);
    } finally {
      timer.cancel();
    }
  }

  #checked({ method, host, target, mayBeAbsent }: Exchange, answer: Answer): Answer {
    if (answer.status < 400 || (answer.status === 404 && mayBeAbsent)) return answer;
    throw this.#errorOf(method, this.urlOf(host, target), answer);
  }

  /** The query stays out of the message: upload and bucket addresses carry secrets there. */
  #errorOf(method: string, url: URL, { status, headers, body }: Answer): RegistryError {
    const said = firstErrorIn(body);
    return new RegistryError(
      codeOfStatus(status),
      `${method} ${url.origin}${url.pathname}: status ${status}${said === '' ? '' : `, ${said}`}`,
      { retryAfterMs: retryAfterMs(this.#clock, headers.get('retry-after')) },
    );
  }

  #isPlain(host: string): boolean {
    if (this.#secureHosts.has(host)) return false;
    const bare = host.replace(/:\d+$/, '');
    const isLocal = bare === 'localhost' || bare === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(bare);
    return isLocal || this.#insecureHosts.has(host);
  }
}

function codeOfStatus(status: number): RegistryErrorCode {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 405) return 'unsupported';
  if (status === 408) return 'timeout';
  if (status === 413) return 'too-large';
  // A range past the end: the content is shorter than was stated.
  if (status === 416) return 'size-mismatch';
  if (status === 429) return 'too-many-requests';
  return status >= 500 ? 'unavailable' : 'malformed';
}

/** The code of the registry's first error; its message is not repeated, it may quote what we sent. */
function firstErrorIn(body: Uint8Array): string {
  try {
    const document = JSON.parse(new TextDecoder().decode(body)) as { errors?: { code?: unknown }[] };
    const code = document.errors?.[0]?.code;
    return typeof code === 'string' ? quote(code) : '';
  } catch {
    return '';
  }
}

/** A system error's or TLS's code; nothing else, for messages may quote what was sent. */
function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : 'the connection broke off';
}
