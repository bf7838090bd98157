import { type SigningKey, verifyKeyFromRaw } from '../../../src/attestation/signing-key.ts';

/** Longer texts are no tokens of ours. */
const TOKEN_LENGTH_MAX = 8192;

/** The three parts of a token whose header names ES256; nothing is verified yet. */
export interface ReadToken {
  readonly keyId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Compact serialisation, ES256. Source: RFC 7515 section 3.1; RFC 7518 section 3.4. */
export function encodeToken(key: SigningKey, keyId: string, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'ES256', kid: keyId })}.${part(claims)}`;
  return `${signed}.${Buffer.from(key.sign(Buffer.from(signed))).toString('base64url')}`;
}

/** Undefined when the text is no such token. */
export function readToken(text: string): ReadToken | undefined {
  const [header, claims, signature, ...more] = text.split('.');
  if (text.length > TOKEN_LENGTH_MAX || !header || !claims || !signature || more.length > 0) return undefined;
  const head = readPart(header);
  const body = readPart(claims);
  if (head?.alg !== 'ES256' || typeof head.kid !== 'string' || body === undefined) return undefined;
  return {
    keyId: head.kid,
    claims: body,
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

export function isSignedBy({ signed, signature }: ReadToken, publicKey: Uint8Array): boolean {
  return verifyKeyFromRaw(publicKey)?.verify(signed, signature) === true;
}

/** The public key as others verify tokens with it. Source: RFC 7517; RFC 7518 section 6.2. */
export function jsonWebKey(publicKey: Uint8Array, keyId: string): Readonly<Record<string, string>> {
  const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)].map((half) =>
    Buffer.from(half).toString('base64url'),
  );
  return { use: 'sig', kty: 'EC', kid: keyId, crv: 'P-256', alg: 'ES256', x: x ?? '', y: y ?? '' };
}

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
