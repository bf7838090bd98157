/** Why a call to a registry failed. */
export type RegistryErrorCode =
  | 'not-found'
  /** No credentials, or wrong ones. */
  | 'unauthorized'
  /** The credentials are good and do not allow this. */
  | 'denied'
  | 'too-many-requests'
  /** The registry could not be reached, broke off, or answered 5xx: nothing is known about the outcome. */
  | 'unavailable'
  | 'timeout'
  | 'digest-mismatch'
  | 'size-mismatch'
  /** An answer or a document that breaks the specification. */
  | 'malformed'
  | 'too-large'
  | 'unsupported-media-type'
  /** The registry does not offer the operation, for example because it is read-only. */
  | 'unsupported';

const RETRYABLE: ReadonlySet<RegistryErrorCode> = new Set([
  'too-many-requests',
  'unavailable',
  'timeout',
  // A flipped byte or a connection cut short is weather; the same request may well be answered right.
  'digest-mismatch',
  'size-mismatch',
]);

/** A registry call that failed. Match on `code`; the message never holds credentials. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryErrorCode;
  /** What the registry asked to wait (Retry-After), when it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: RegistryErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same call may succeed later without anything being changed by hand. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}
