import { quote } from '../../src/oci/refusal.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';

/** A name and a password, or a token that a login left behind, good for fetching tokens only. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string };

/** What a registry asks for before it answers. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: string;
      readonly service?: string;
      readonly scope?: string;
    };

/** A token and how long it may be used. */
export interface BearerToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** Lifetime of a token that does not say. Source: distribution, docs/spec/auth/token.md. */
const LIFETIME_SECONDS = 60;

/** Reads WWW-Authenticate; Bearer wins over Basic. Undefined when neither is there. Source: RFC 9110, 11.6.1. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /(?:^|,)\s*bearer\s+(.*)$/i.exec(header);
  if (bearer !== null) {
    const parameters = new Map<string, string>();
    for (const [, key, quoted, bare] of (bearer[1] ?? '').matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g))
      parameters.set((key ?? '').toLowerCase(), quoted ?? bare ?? '');
    const realm = parameters.get('realm');
    if (realm === undefined) return undefined;
    const service = parameters.get('service');
    const scope = parameters.get('scope');
    return {
      scheme: 'bearer',
      realm,
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
    };
  }
  return /(?:^|,)\s*basic(?:\s|,|$)/i.test(header) ? { scheme: 'basic' } : undefined;
}

/** Value of an Authorization header; undefined for what Basic cannot carry. Source: RFC 7617. */
export function basicAuthorization(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined || 'identityToken' in credentials) return undefined;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * Address to ask for a token. Source: distribution, docs/spec/auth/token.md.
 *
 * Throws RegistryError `unauthorized` when credentials or the token would travel in the clear.
 */
export function tokenUrl(
  challenge: Challenge & { scheme: 'bearer' },
  scope: string,
  plainAllowed: boolean,
): URL {
  if (!URL.canParse(challenge.realm))
    throw new RegistryError(
      'unauthorized',
      `the registry's token realm is not a URL: ${quote(challenge.realm)}`,
    );
  const url = new URL(challenge.realm);
  if (url.protocol !== 'https:' && !(plainAllowed && url.protocol === 'http:'))
    throw new RegistryError(
      'unauthorized',
      `the token realm ${url.origin} is not HTTPS; no credentials are sent to it`,
    );
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
  url.searchParams.set('scope', challenge.scope ?? scope);
  return url;
}

/** How to ask for a token. */
export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/**
 * The request for a token: a GET with the password, or the OAuth form with an identity token.
 * Source: distribution, docs/spec/auth/token.md and oauth.md. Throws as `tokenUrl` does.
 */
export function tokenRequest(
  challenge: Challenge & { scheme: 'bearer' },
  scope: string,
  plainAllowed: boolean,
  credentials: Credentials | undefined,
): TokenRequest {
  const url = tokenUrl(challenge, scope, plainAllowed);
  if (credentials === undefined || !('identityToken' in credentials)) {
    const authorization = basicAuthorization(credentials);
    return { method: 'GET', url, headers: authorization === undefined ? {} : { authorization } };
  }
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'brickproof',
    refresh_token: credentials.identityToken,
    service: challenge.service ?? url.host,
    scope: challenge.scope ?? scope,
  });
  url.search = '';
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url, headers, body: new TextEncoder().encode(form.toString()) };
}

/** Reads the token server's answer; undefined when it holds no token. */
export function parseToken(body: Uint8Array): BearerToken | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { token, access_token: accessToken, expires_in: expiresIn } = answer as Record<string, unknown>;
  const text = token ?? accessToken;
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const seconds = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : LIFETIME_SECONDS;
  return { token: text, lifetimeMs: seconds * 1000 };
}
