import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../src/time/clock.ts';
import { type ApiAnswer, type ApiRequest, answerError, answerJson } from './http-answer.ts';

export interface RegistryAuth {
  /** Passwords by user name; every user may do everything. */
  readonly users: ReadonlyMap<string, string>;
  /** What clients are asked for; default `bearer`. */
  readonly scheme?: 'basic' | 'bearer';
  /** Whether reading takes no login; default false. */
  readonly anonymousPull?: boolean;
  /** Default 300 s. */
  readonly tokenLifetimeMs?: number;
  /** Tokens are signed with it; whoever knows it makes tokens. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
}

type Access = 'pull' | 'push';

/** What a token allows: repository and access, `fleet/thermo:pull`. */
interface Token {
  readonly allows: readonly string[];
  readonly untilMs: number;
}

const TOKEN_PATH = '/token';
const SERVICE = 'brickproof-registry';
const LIFETIME_MS = 300_000;
const NAME_IN_PATH = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//;

/** Lets requests in by login or token. Source: distribution, docs/spec/auth/token.md; RFC 7617. */
export class Gatekeeper {
  readonly #auth: RegistryAuth;
  readonly #isTls: boolean;

  constructor(auth: RegistryAuth, isTls: boolean) {
    this.#auth = auth;
    this.#isTls = isTls;
  }

  /** Undefined when the request may go on; else what to answer it: a token, or that one is wanted. */
  stop(request: ApiRequest): ApiAnswer | undefined {
    const login = this.#login(request.header('authorization'));
    if (request.path === TOKEN_PATH) return this.#answerToken(request, login);
    if (login === 'good') return undefined;
    const name = NAME_IN_PATH.exec(request.path)?.[1];
    const access: Access = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'push';
    const token = this.#tokenIn(request.header('authorization'));
    const isAllowed = name === undefined || token?.allows.includes(`${name}:${access}`) === true;
    if (token !== undefined && token.untilMs > this.#auth.clock.nowMs && isAllowed) return undefined;
    if (this.#auth.scheme === 'basic' && this.#auth.anonymousPull === true && access === 'pull')
      return undefined;
    return this.challenge(request);
  }

  /** A 401 that says what to bring. */
  challenge(request: ApiRequest): ApiAnswer {
    const name = NAME_IN_PATH.exec(request.path)?.[1];
    const actions = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'pull,push';
    const scope = name === undefined ? '' : `,scope="repository:${name}:${actions}"`;
    const realm = `${this.#isTls ? 'https' : 'http'}://${request.header('host')}${TOKEN_PATH}`;
    const challenge =
      this.#auth.scheme === 'basic'
        ? `Basic realm="${SERVICE}"`
        : `Bearer realm="${realm}",service="${SERVICE}"${scope}`;
    return answerError('UNAUTHORIZED', 'a login is needed', { 'www-authenticate': challenge });
  }

  #answerToken(request: ApiRequest, login: 'good' | 'bad' | 'none'): ApiAnswer {
    if (login === 'bad' || (login === 'none' && this.#auth.anonymousPull !== true))
      return answerError('UNAUTHORIZED', 'unknown user or wrong password', {
        'www-authenticate': `Basic realm="${SERVICE}"`,
      });
    const lifetimeMs = this.#auth.tokenLifetimeMs ?? LIFETIME_MS;
    const allows = request.query
      .getAll('scope')
      .flatMap((scopes) => scopes.split(' '))
      .flatMap((scope) => allowedBy(scope, login === 'good'));
    const token = this.#sign({ allows, untilMs: this.#auth.clock.nowMs + lifetimeMs });
    return answerJson(200, { token, expires_in: Math.floor(lifetimeMs / 1000) });
  }

  #login(header: string | undefined): 'good' | 'bad' | 'none' {
    const encoded = /^basic\s+(\S+)$/i.exec(header ?? '')?.[1];
    if (encoded === undefined) return 'none';
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    const known = this.#auth.users.get(text.slice(0, Math.max(colon, 0)));
    return known !== undefined && isEqual(known, text.slice(colon + 1)) ? 'good' : 'bad';
  }

  #sign(token: Token): string {
    const body = Buffer.from(JSON.stringify(token)).toString('base64url');
    return `${body}.${this.#mark(body)}`;
  }

  #tokenIn(header: string | undefined): Token | undefined {
    const [body = '', mark = ''] = /^bearer\s+(\S+)$/i.exec(header ?? '')?.[1]?.split('.') ?? [];
    if (body === '' || !isEqual(mark, this.#mark(body))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Token;
  }

  #mark(body: string): string {
    return createHmac('sha256', this.#auth.secret).update(body).digest('base64url');
  }
}

/** `repository:fleet/thermo:pull,push`; without a login only reading is granted. */
function allowedBy(scope: string, isLoggedIn: boolean): readonly string[] {
  const match = /^repository:(.+):([a-z,*]+)$/.exec(scope);
  const actions = (match?.[2] ?? '')
    .split(',')
    .flatMap((action) => (action === '*' ? ['pull', 'push'] : action));
  return actions
    .filter((action) => action === 'pull' || (isLoggedIn && action === 'push'))
    .map((action) => `${match?.[1]}:${action}`);
}

/** Equal, in a time that does not tell where they differ. */
function isEqual(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
