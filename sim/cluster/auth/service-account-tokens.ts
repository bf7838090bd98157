import { createHash } from 'node:crypto';
import { type SigningKey, signingKeyFromSeed } from '../../../src/attestation/signing-key.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import type { Catalog } from '../catalog.ts';
import { newUid } from '../object-name.ts';
import { at, textAt } from '../printer.ts';
import type { Store } from '../store.ts';
import type { StoredObject } from '../stored-object.ts';
import { encodeToken, isSignedBy, jsonWebKey, readToken } from './json-web-token.ts';
import { CREDENTIAL_ID, serviceAccountUser, type UserInfo } from './user.ts';

/** The issuer of tokens, and the audience of the API server itself. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

export interface TokenOrder {
  readonly account: StoredObject;
  readonly audiences: readonly string[];
  readonly lifeSeconds: number;
  /** The Pod or Secret that the token lives no longer than. */
  readonly boundTo?: { readonly kind: 'Pod' | 'Secret'; readonly name: string; readonly uid: string };
}

/** Who a token stands for, or why it stands for nobody. */
export type TokenVerdict =
  | { readonly ok: true; readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly ok: false; readonly why: string };

export interface TokenParts {
  readonly clock: Clock;
  /** The signing key comes from here; equal for servers that are to believe each other's tokens. */
  readonly keys: Random;
  readonly ids: Random;
  readonly store: Store;
  readonly catalog: Catalog;
}

/**
 * Tokens of ServiceAccounts, signed by the cluster's own key.
 * Source: kubernetes, pkg/serviceaccount/claims.go (v1.32), whose claims these are.
 */
export class ServiceAccountTokens {
  readonly #parts: TokenParts;
  readonly #ids: Random;
  #made: { readonly key: SigningKey; readonly keyId: string } | undefined;

  constructor(parts: TokenParts) {
    this.#parts = parts;
    this.#ids = parts.ids.split('token-id');
  }

  issue({ account, audiences, lifeSeconds, boundTo }: TokenOrder): string {
    const { key, keyId } = this.#signer();
    const { namespace = '', name, uid } = account.metadata;
    const now = this.#nowSeconds();
    const bound = boundTo && { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid: boundTo.uid } };
    return encodeToken(key, keyId, {
      aud: audiences,
      exp: now + lifeSeconds,
      iat: now,
      iss: ISSUER,
      jti: newUid(this.#ids),
      'kubernetes.io': { namespace, ...bound, serviceaccount: { name, uid } },
      nbf: now,
      sub: serviceAccountUser(namespace, name).name,
    });
  }

  /** Believes a token of ours for one of `audiences` whose account, and what it is bound to, are still there. */
  verify(token: string, audiences: readonly string[] = [ISSUER]): TokenVerdict {
    const read = readToken(token);
    const { key, keyId } = this.#signer();
    if (read === undefined || read.keyId !== keyId || !isSignedBy(read, key.publicKey))
      return refused('invalid bearer token');
    const { claims } = read;
    const now = this.#nowSeconds();
    if (typeof claims.exp !== 'number' || claims.exp <= now)
      return refused('service account token has expired');
    if (typeof claims.nbf !== 'number' || claims.nbf > now)
      return refused('service account token is not valid yet');
    const named: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [];
    const meant = audiences.filter((one) => named.includes(one));
    if (meant.length === 0)
      return refused(
        `token audiences ${JSON.stringify(named)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
      );
    const about = claims['kubernetes.io'];
    const namespace = textAt(about, 'namespace');
    const name = textAt(about, 'serviceaccount.name');
    const uid = textAt(about, 'serviceaccount.uid');
    if (this.#uidOf('serviceaccounts', namespace, name) !== uid)
      return refused(`service account ${namespace}/${name} has been deleted`);
    const extra: Record<string, readonly string[]> = { [CREDENTIAL_ID]: [`JTI=${claims.jti}`] };
    for (const [member, plural] of [
      ['pod', 'pods'],
      ['secret', 'secrets'],
    ] as const) {
      if (at(about, member) === undefined) continue;
      const bound = { name: textAt(about, `${member}.name`), uid: textAt(about, `${member}.uid`) };
      if (this.#uidOf(plural, namespace, bound.name) !== bound.uid)
        return refused('service account token has been invalidated');
      if (member === 'pod') {
        extra['authentication.kubernetes.io/pod-name'] = [bound.name];
        extra['authentication.kubernetes.io/pod-uid'] = [bound.uid];
      }
    }
    return { ok: true, user: { ...serviceAccountUser(namespace, name), uid, extra }, audiences: meant };
  }

  /** What others verify tokens with. Source: RFC 7517 section 5. */
  keySet(): object {
    const { key, keyId } = this.#signer();
    return { keys: [jsonWebKey(key.publicKey, keyId)] };
  }

  #uidOf(plural: string, namespace: string, name: string): string | undefined {
    const { store, catalog } = this.#parts;
    const resource = catalog.find('', plural);
    return resource && store.table(resource).get(namespace, name)?.metadata.uid;
  }

  #nowSeconds(): number {
    const { epochMs, nowMs } = this.#parts.clock;
    return Math.floor((epochMs + nowMs) / 1000);
  }

  /** Made when it is first needed: most clusters here never sign a token. */
  #signer(): { readonly key: SigningKey; readonly keyId: string } {
    if (this.#made === undefined) {
      const key = signingKeyFromSeed('ES256', this.#parts.keys.split('token-key').bytes(32));
      const keyId = createHash('sha256').update(key.publicKey).digest('base64url');
      this.#made = { key, keyId };
    }
    return this.#made;
  }
}

function refused(why: string): TokenVerdict {
  return { ok: false, why };
}
