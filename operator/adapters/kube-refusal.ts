import {
  type KubeCause,
  KubeError,
  type KubeErrorDetails,
  type KubeReason,
  reasonOfStatus,
} from '../../src/kube/error.ts';

const REASONS: ReadonlySet<string> = new Set<KubeReason>([
  'BadRequest',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'MethodNotAllowed',
  'NotAcceptable',
  'AlreadyExists',
  'Conflict',
  'Expired',
  'Gone',
  'Invalid',
  'RequestEntityTooLarge',
  'UnsupportedMediaType',
  'TooManyRequests',
  'InternalError',
  'ServiceUnavailable',
  'Timeout',
]);

type Members = Readonly<Record<string, unknown>>;

/**
 * A server's refusal as a KubeError. `body` is what came as JSON, or undefined; a Status says why, and
 * without one the HTTP code must do. Source: metav1.Status.
 */
export function refusalOf(code: number, body: unknown, retryAfter?: string): KubeError {
  const status = membersOf(body);
  const reason = reasonOf(status.reason, typeof status.code === 'number' ? status.code : code);
  const message =
    typeof status.message === 'string' && status.message !== '' ? status.message : `HTTP ${code}`;
  return new KubeError(reason, message, {
    ...detailsOf(membersOf(status.details), retryAfter),
    ...continueIn(membersOf(status.metadata)),
  });
}

function reasonOf(reason: unknown, code: number): KubeReason {
  if (reason === 'ServerTimeout') return 'Timeout';
  return typeof reason === 'string' && REASONS.has(reason) ? (reason as KubeReason) : reasonOfStatus(code);
}

function detailsOf(details: Members, retryAfter: string | undefined): KubeErrorDetails {
  const text = (name: 'name' | 'group' | 'kind' | 'uid'): Partial<Record<typeof name, string>> =>
    typeof details[name] === 'string' ? { [name]: details[name] } : {};
  const seconds = retryAfter !== undefined ? Number(retryAfter) : details.retryAfterSeconds;
  return {
    ...text('name'),
    ...text('group'),
    ...text('kind'),
    ...text('uid'),
    ...(Array.isArray(details.causes) && { causes: details.causes.map(causeOf) }),
    ...(typeof seconds === 'number' && Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
  };
}

function continueIn({ continue: token }: Members): Pick<KubeErrorDetails, 'continue'> {
  return typeof token === 'string' && token !== '' ? { continue: token } : {};
}

function causeOf(value: unknown): KubeCause {
  const { reason, message, field } = membersOf(value);
  return { reason: String(reason ?? ''), message: String(message ?? ''), field: String(field ?? '') };
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
