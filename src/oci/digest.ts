import { createHash } from 'node:crypto';
import { accept, type Decoded, quote, refuse } from './refusal.ts';

export type DigestAlgorithm = 'sha256' | 'sha512';

/** Lower-case hexadecimal after its algorithm. Source: OCI image-spec, descriptor.md, "Digests". */
export type Digest = `${DigestAlgorithm}:${string}`;

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Reads a digest; only the two registered algorithms, only lower case. */
export function parseDigest(text: string, place = ''): Decoded<Digest> {
  const separator = text.indexOf(':');
  const algorithm = text.slice(0, Math.max(separator, 0));
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    return refuse('malformed', place, `a digest starts with sha256: or sha512:, not ${quote(text)}`);
  const length = HEX_LENGTH[algorithm];
  const hex = text.slice(separator + 1);
  if (hex.length !== length || !/^[0-9a-f]+$/.test(hex))
    return refuse(
      'malformed',
      place,
      `a ${algorithm} digest has ${length} lower-case hex digits, not ${quote(hex)}`,
    );
  return accept(text as Digest);
}

/** Digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** True when `bytes` are what `digest` names, under the digest's own algorithm. */
export function matchesDigest(bytes: Uint8Array, digest: Digest): boolean {
  return digestOf(bytes, digest.startsWith('sha512:') ? 'sha512' : 'sha256') === digest;
}

/** First twelve hex digits, for people. */
export function shortDigest(digest: Digest): string {
  const separator = digest.indexOf(':');
  return digest.slice(separator + 1, separator + 13);
}
