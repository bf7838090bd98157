import { decodeJson, type JsonPlace } from '../json-document.ts';
import type { Decoded } from '../refusal.ts';
import { parseInstant } from './signed-claim.ts';
import { readVerificationKey, type VerificationKey } from './verification-key.ts';

/** A key that may sign, and when. */
export interface TrustedKey {
  /** What people call it; appears in outcomes. */
  readonly name: string;
  readonly key: VerificationKey;
  /** Both in ms since 1970, both inclusive; the clock is that of whoever verifies. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

/** Which keys may sign which application; an application that is not named has the keys of ANY_APPLICATION. */
export type SignaturePolicy = ReadonlyMap<string, readonly TrustedKey[]>;

export const ANY_APPLICATION = '*';
const POLICY_BYTES_MAX = 1024 * 1024;

/** The policy of one key that may sign anything: `cosign verify --key`. */
export function policyOfKey(name: string, key: VerificationKey): SignaturePolicy {
  return new Map([[ANY_APPLICATION, [{ name, key }]]]);
}

/** The keys that may sign `application`; undefined when no rule speaks of it. */
export function keysFor(policy: SignaturePolicy, application: string): readonly TrustedKey[] | undefined {
  return policy.get(application) ?? policy.get(ANY_APPLICATION);
}

/**
 * Reads a policy:
 * `{"keys": {"<name>": {"pem": "…", "notBefore"?: "…", "notAfter"?: "…"}}, "applications": {"<application or *>": ["<name>", …]}}`.
 *
 * Times are RFC 3339 in UTC. A rule that names an unknown key is refused, and so is one without keys:
 * "nobody" is said by leaving the application out.
 */
export function parseSignaturePolicy(bytes: Uint8Array): Decoded<SignaturePolicy> {
  return decodeJson(bytes, POLICY_BYTES_MAX, (root) => {
    const keys = new Map(
      root
        .at('keys')
        .members()
        .map(([name, place]) => [name, readKey(name, place)]),
    );
    const rules = root.at('applications').members();
    return new Map(rules.map(([application, place]) => [application, readRule(place, keys)]));
  });
}

function readRule(place: JsonPlace, keys: ReadonlyMap<string, TrustedKey>): readonly TrustedKey[] {
  const named = place.list().map((entry) => {
    return keys.get(entry.string()) ?? entry.refuse('malformed', 'is not the name of a key of this policy');
  });
  return named.length > 0 ? named : place.refuse('malformed', 'names no key');
}

function readKey(name: string, place: JsonPlace): TrustedKey {
  const pem: JsonPlace = place.at('pem');
  const key = readVerificationKey(pem.string());
  if (!key.ok) pem.refuse(key.refusal.code, key.refusal.message);
  const notBeforeMs = readInstant(place.at('notBefore'));
  const notAfterMs = readInstant(place.at('notAfter'));
  return {
    name,
    key: key.value,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(notAfterMs === undefined ? {} : { notAfterMs }),
  };
}

function readInstant(place: JsonPlace): number | undefined {
  if (!place.present) return undefined;
  const instantMs = parseInstant(place.string());
  return instantMs ?? place.refuse('malformed', 'is no RFC 3339 time in UTC, such as 2027-01-31T00:00:00Z');
}
