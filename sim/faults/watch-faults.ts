import { KubeError } from '../../src/kube/error.ts';
import type { WatchFault } from '../cluster/watch-fault.ts';
import { apiFault, apiOf, selectorOf } from './api-faults.ts';
import type { FaultAction } from './stage.ts';

const DEFAULT_DELAY_MS = 5_000;

/** A fault of events on their way; bookmarks pass. */
const eventFault = (faultOf: (byMs: number | undefined) => WatchFault): FaultAction =>
  apiFault(({ parameters }) => {
    const fault = faultOf(parameters.by);
    return { delivery: ({ type }) => (type === 'BOOKMARK' ? undefined : fault) };
  });

const endingEvents = eventFault(() => ({ kind: 'dropped' }));

/** Ends what is open now; or, with a chance or a number, watches as their events come. */
export const watchDrop: FaultAction = (stage, order) => {
  const { probability, count } = order.parameters;
  if (probability !== undefined || count !== undefined) return endingEvents(stage, order);
  const api = apiOf(stage.api, order);
  const { users, kind } = selectorOf(api, order);
  api.cluster.dropWatches(
    ({ user, resource }) => users?.includes(user) !== false && (kind ?? resource.kind) === resource.kind,
  );
  return () => {};
};

export const watchStall: FaultAction = apiFault(() => ({ delivery: () => ({ kind: 'stalled' }) }));

export const watchCut = eventFault(() => ({ kind: 'cut' }));

/** Source of the message: apiserver, storage, "too old resource version". */
const gone = (): KubeError => new KubeError('Expired', 'too old resource version');

export const watchGone: FaultAction = apiFault(({ words = {} }) =>
  words.as === 'status'
    ? { request: (verb) => (verb === 'watch' ? { error: gone() } : undefined) }
    : { delivery: ({ type }) => (type === 'BOOKMARK' ? undefined : { kind: 'refused', error: gone() }) },
);

export const watchDelayed = eventFault((byMs = DEFAULT_DELAY_MS) => ({ kind: 'delayed', byMs }));

export const watchDuplicated = eventFault(() => ({ kind: 'duplicated' }));

export const watchBookmarkWithheld: FaultAction = apiFault(() => ({
  delivery: ({ type }) => (type === 'BOOKMARK' ? { kind: 'withheld' } : undefined),
}));
