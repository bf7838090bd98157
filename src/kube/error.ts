/** Why an API call failed: the `reason` of a metav1.Status, closed to those the house meets. */
export type KubeReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Expired'
  | 'Gone'
  | 'Invalid'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout'
  /** The server could not be reached, or broke off: nothing is known about the outcome. */
  | 'Unreachable';

const HTTP_STATUS: Readonly<Record<KubeReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  Unreachable: 0,
};

/** One field's complaint. Source: metav1.StatusCause. */
export interface KubeCause {
  /** For example `FieldValueInvalid`, `FieldValueRequired`, `FieldValueNotSupported`. */
  readonly reason: string;
  readonly message: string;
  /** JSON path without a leading dot, for example `spec.uuid`. */
  readonly field: string;
}

/** Source: metav1.StatusDetails. */
export interface KubeErrorDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly KubeCause[];
  readonly retryAfterSeconds?: number;
  /** Of a list whose instant has expired: a token for the rest of it as it is now. Source: metav1.ListMeta. */
  readonly continue?: string;
}

/** An API call that failed. Match on `reason`; `message` is the server's, for people. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly reason: KubeReason;
  /** HTTP status; 0 when there was no answer. */
  readonly code: number;
  readonly details: KubeErrorDetails;

  constructor(reason: KubeReason, message: string, details: KubeErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = HTTP_STATUS[reason];
    this.details = details;
  }
}

/** True when `error` is a KubeError with one of these reasons. */
export function isKubeError(error: unknown, ...reasons: readonly KubeReason[]): error is KubeError {
  return error instanceof KubeError && (reasons.length === 0 || reasons.includes(error.reason));
}

/** The closest reason for an HTTP status whose body said nothing useful. */
export function reasonOfStatus(code: number): KubeReason {
  for (const [reason, status] of Object.entries(HTTP_STATUS))
    if (status === code) return reason as KubeReason;
  return code >= 500 ? 'InternalError' : 'BadRequest';
}
