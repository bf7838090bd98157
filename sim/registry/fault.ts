import type { Digest } from '../../src/oci/digest.ts';
import type { RegistryErrorCode } from '../../src/oci/registry-error.ts';

export type RegistryOperation =
  | 'resolve'
  | 'manifest'
  | 'blob'
  | 'has-blob'
  | 'tags'
  | 'referrers'
  | 'put-blob'
  | 'put-manifest';

/** One call, as an interceptor sees it before the store does. */
export interface RegistryRequest {
  readonly operation: RegistryOperation;
  readonly host: string;
  readonly name: string;
  /** Tag or digest asked for; empty for a list. */
  readonly target: string;
}

/** What goes wrong with one call. `delayMs`, in any of them, passes on the clock first. */
export type RegistryFault = { readonly delayMs?: number } & (
  | { readonly kind: 'latency' }
  | { readonly kind: 'error'; readonly code: RegistryErrorCode; readonly retryAfterMs?: number }
  /** Content ends after `bytesMax`. */
  | { readonly kind: 'short-read'; readonly bytesMax: number }
  /** One bit of the content's byte at `offsetBytes` (modulo its length) is inverted. */
  | { readonly kind: 'flipped-byte'; readonly offsetBytes: number }
  /** `resolve` answers with this digest. */
  | { readonly kind: 'wrong-digest'; readonly digest: Digest }
  /** `resolve` answers as if the tag had moved to this manifest of the same repository. */
  | { readonly kind: 'tag-moved'; readonly digest: Digest }
  /** `manifest` answers with this one of the same repository, whatever was asked for. */
  | { readonly kind: 'swapped-manifest'; readonly digest: Digest }
  /** Content comes so fast and no faster. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** After `afterBytes` nothing comes any more, and nobody hangs up. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** The token, still good by its date, is refused once; a client that asks for another gets on. */
  | { readonly kind: 'expired-token' }
);

/** Decides what happens to a call; undefined leaves it alone. */
export type Intercept = (request: RegistryRequest) => RegistryFault | undefined;

/** What arrives of the content under `fault`. The original is untouched: a fault copies, the rest never does. */
export function spoil(bytes: Uint8Array, fault: RegistryFault | undefined): Uint8Array {
  if (fault?.kind === 'short-read') return bytes.subarray(0, fault.bytesMax);
  if (fault?.kind === 'stall') return bytes.subarray(0, fault.afterBytes);
  if (fault?.kind !== 'flipped-byte' || bytes.length === 0) return bytes;
  const spoiled = Uint8Array.from(bytes);
  const offset = fault.offsetBytes % bytes.length;
  spoiled[offset] = (spoiled[offset] ?? 0) ^ 1;
  return spoiled;
}
