import { KubeError, type KubeReason } from '../../src/kube/error.ts';
import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { ApiFault, Verb } from '../cluster/in-process.ts';
import type { Front, RequestSelector } from './api-weather.ts';
import { type ApiStage, type FaultAction, worldLacks } from './stage.ts';

const WRITES: readonly Verb[] = ['create', 'replace', 'patch', 'delete', 'deletecollection'];

const DEFAULT_CONFLICT_PROBABILITY = 0.2;
const DEFAULT_LATENCY_MS = 5_000;
const DEFAULT_RETRY_AFTER_MS = 1_000;

type Strike = Pick<Front, 'request' | 'delivery' | 'probability'>;

/** A fault of what the order selects, while it is on. */
export const apiFault =
  (strike: (order: FaultOrder) => Strike): FaultAction =>
  (stage, order) => {
    const { weather, ...api } = apiOf(stage.api, order);
    const { probability, count } = order.parameters;
    return weather.add({
      fault: order.fault,
      selects: selectorOf(api, order),
      ...(count !== undefined && { count }),
      ...strike(order),
      ...(probability !== undefined && { probability }),
    });
  };

/** Throws WorldError `unsupported` in a world whose API server is out of reach. */
export function apiOf(api: ApiStage | undefined, order: FaultOrder): ApiStage {
  if (api === undefined) throw worldLacks(order, 'the API server');
  return api;
}

export function selectorOf(
  { usersOf }: Pick<ApiStage, 'usersOf'>,
  { words = {} }: FaultOrder,
): RequestSelector {
  const { verb, kind, namespace, name, user } = words;
  return {
    users: usersOf(user),
    ...(verb !== undefined && { verb: verb as Verb }),
    ...(kind !== undefined && { kind }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
}

const refused = (reason: KubeReason, message: string, retryAfterSeconds?: number): ApiFault => ({
  error: new KubeError(reason, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
});

/** Source of the message: apimachinery, api/errors, NewConflict. */
export const apiConflict = apiFault(() => ({
  probability: DEFAULT_CONFLICT_PROBABILITY,
  request: (verb, { plural }, { name = '' }) =>
    WRITES.includes(verb)
      ? refused(
          'Conflict',
          `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
        )
      : undefined,
}));

export const apiUnavailable = apiFault(() => ({
  request: () => refused('ServiceUnavailable', 'the server is currently unable to handle the request'),
}));

const ERRORS: Readonly<Record<string, readonly [KubeReason, string]>> = {
  500: ['InternalError', 'Internal error occurred: etcdserver: leader changed'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
};

export const apiError = apiFault(({ words = {} }) => {
  const [reason, message] = ERRORS[words.code ?? '500'] as readonly [KubeReason, string];
  const carriedOut = words['carried-out'] === 'yes';
  return { request: () => ({ ...refused(reason, message), carriedOut }) };
});

/** A header of whole seconds says how long. Source: RFC 9110, 10.2.3; kube-apiserver, tooManyRequests. */
export const apiThrottled = apiFault(({ parameters }) => {
  const seconds = Math.ceil((parameters['retry-after'] ?? DEFAULT_RETRY_AFTER_MS) / 1000);
  return {
    request: () => refused('TooManyRequests', 'Too many requests, please try again later.', seconds),
  };
});

export const apiSlow = apiFault(({ parameters }) => {
  const latencyMs = parameters.latency ?? DEFAULT_LATENCY_MS;
  return { request: () => ({ latencyMs }) };
});

export const listExpired = apiFault(() => ({
  request: (verb, _kind, { continued }) =>
    verb === 'list' && continued === true
      ? refused('Expired', 'The provided continue parameter is too old to display a consistent list result.')
      : undefined,
}));

/** The story itself is not cut off from its world: it reads and writes as before. */
const STORY_USER = 'admin';

/** Nobody is answered; then a new server starts over the data, or over what was installed. */
export const apiRestart: FaultAction = (stage, order) => {
  const { weather, cluster } = apiOf(stage.api, order);
  const away = (): ApiFault => refused('Unreachable', 'the API server did not answer: connection refused');
  const back = weather.add({ fault: order.fault, selects: { spares: [STORY_USER] }, request: away });
  cluster.dropWatches(({ user }) => user !== STORY_USER);
  return () => {
    back();
    cluster.restart(order.words?.data === 'lost' ? 'lost' : 'kept');
  };
};
