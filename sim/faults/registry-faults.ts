import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { RegistryFault, RegistryRequest } from '../registry/fault.ts';
import type { RegistryStore } from '../registry/store.ts';
import type { RegistryWeather } from './registry-weather.ts';
import { type FaultAction, worldLacks } from './stage.ts';

type Strike = (
  request: RegistryRequest,
  weather: RegistryWeather,
  parameters: FaultOrder['parameters'],
) => RegistryFault | undefined;

/** A fault that strikes each call, or each with chance `probability`, while it is on. */
const registryFault =
  (strike: Strike): FaultAction =>
  ({ registry }, order) => {
    if (registry === undefined) throw worldLacks(order, 'the registry');
    const { parameters } = order;
    const chance = parameters.probability ?? 1;
    return registry.add((request) =>
      chance < 1 && registry.random.next() >= chance ? undefined : strike(request, registry, parameters),
    );
  };

/** A fault of answers that carry bytes. */
const contentFault = (strike: Strike): FaultAction =>
  registryFault((request, ...rest) =>
    request.operation === 'blob' || request.operation === 'manifest' ? strike(request, ...rest) : undefined,
  );

/** The registry answers with 503: every request, or each with chance `probability`. */
export const registryErrors = registryFault(() => ({ kind: 'error', code: 'unavailable' }));

export const registryThrottled = registryFault((_request, _weather, parameters) => ({
  kind: 'error',
  code: 'too-many-requests',
  retryAfterMs: parameters['retry-after'] ?? 5_000,
}));

export const registrySlow = contentFault((_request, _weather, { rate }) => ({
  kind: 'slow',
  bytesPerSecond: Math.max(1, rate ?? 16 * 1024),
}));

export const registryStalled = contentFault(() => ({ kind: 'stall', afterBytes: 0 }));

export const registryShortRead = contentFault((request, { store }) => halfOf(request, store));

/** The connection ends in the middle of what was asked for. */
function halfOf({ operation, name, target }: RegistryRequest, store: RegistryStore): RegistryFault {
  const digest = target as Digest;
  const isHere = operation === 'blob' && store.hasBlob(name, digest);
  const bytes = isHere ? store.blob(name, digest) : store.findManifest(name, target)?.bytes;
  return { kind: 'short-read', bytesMax: Math.floor((bytes?.length ?? 0) / 2) };
}

/**
 * Each download of a blob breaks off half-way; who comes back for the rest is told that the token has run
 * out, and with a new one gets it.
 */
export const registryTokenExpired: FaultAction = (stage, order) => {
  const asked = new Map<string, number>();
  const strike: Strike = (request, { store }) => {
    if (request.operation !== 'blob') return undefined;
    const blob = `${request.name} ${request.target}`;
    const times = asked.get(blob) ?? 0;
    asked.set(blob, times + 1);
    if (times % 3 === 0) return halfOf(request, store);
    return times % 3 === 1 ? { kind: 'expired-token' } : undefined;
  };
  return registryFault(strike)(stage, order);
};

/** No token is good, and none that is given out. */
export const registryTokenRefused = registryFault(() => ({ kind: 'expired-token' }));

export const registryFlippedBytes = contentFault((_request, { random }) => ({
  kind: 'flipped-byte',
  offsetBytes: Math.floor(random.next() * 0x7fff_ffff),
}));

const NOWHERE = digestOf(new TextEncoder().encode('the content that no registry holds'));

export const registryWrongDigest = registryFault(({ operation }) =>
  operation === 'resolve' ? { kind: 'wrong-digest', digest: NOWHERE } : undefined,
);

export const registryBlobDeleted = registryFault(({ operation }) =>
  operation === 'blob' ? { kind: 'error', code: 'not-found' } : undefined,
);

/**
 * The manifest of a chip is answered with another one of the repository, genuine and signed as it may be; of the
 * same length where there is one, so that its size gives nothing away.
 */
export const registrySwappedManifest = registryFault(({ operation, name, target }, { store }) => {
  if (operation !== 'manifest') return undefined;
  const named = store.namedByIndexes(name);
  const others = named.filter((digest) => digest !== target);
  const lengthOf = (digest: string): number => store.manifest(name, digest).bytes.length;
  const other = others.find((digest) => lengthOf(digest) === lengthOf(target)) ?? others[0];
  if (others.length === named.length || other === undefined) return undefined;
  return { kind: 'swapped-manifest', digest: other };
});

/** Every tag means what the next one of its repository means, the last one what the first does. */
export const tagMoved = registryFault(({ operation, name, target }, { store }) => {
  if (operation !== 'resolve' || target.includes(':') || !store.hasRepository(name)) return undefined;
  const { tags } = store.tags(name);
  const next = tags[(tags.indexOf(target) + 1) % tags.length];
  if (next === undefined || !tags.includes(target)) return undefined;
  return { kind: 'tag-moved', digest: store.manifest(name, next).digest satisfies Digest };
});
