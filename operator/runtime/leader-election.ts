import type { KubeApi } from '../../src/kube/api.ts';
import { LEASE, type Lease } from '../../src/kube/core.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { Random } from '../../src/random/random.ts';
import { type Clock, microTimestamp } from '../../src/time/clock.ts';

export interface Election {
  readonly namespace: string;
  /** Name of the Lease that all candidates share. */
  readonly name: string;
  /** Unique among candidates, the Pod's name for instance. */
  readonly identity: string;
}

/** The usual times of Kubernetes' own controllers. Source: controller-runtime, manager defaults. */
const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2_000;

/**
 * Runs `lead` while this candidate holds the Lease; its signal aborts when the Lease may be lost.
 *
 * A holder stops leading 10 s after its last renewal and another takes over 15 s after the last change
 * it saw, both by their own clocks, so no two lead at once however the clocks disagree. Settles when
 * `signal` aborts or leadership is lost; the Lease is given up at once on the way out.
 */
export async function runAsLeader(
  ports: { readonly kube: KubeApi; readonly clock: Clock; readonly random: Random },
  election: Election,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const random = ports.random.split(`election/${election.identity}`);
  const candidate = new Candidate(ports.kube, clock, election);
  const pause = (): Promise<void> =>
    clock.sleep(RETRY_PERIOD_MS * (1 + 0.2 * random.next()), signal).catch(() => undefined);
  while (!signal.aborted && !(await candidate.tryHold())) await pause();
  if (signal.aborted) return;
  const reign = new AbortController();
  const stop = (): void => reign.abort();
  signal.addEventListener('abort', stop);
  const leading = lead(reign.signal).finally(stop);
  let heldAtMs = clock.nowMs;
  while (!reign.signal.aborted) {
    await clock.sleep(RETRY_PERIOD_MS, reign.signal).catch(() => undefined);
    if (reign.signal.aborted) break;
    if (await candidate.tryHold()) heldAtMs = clock.nowMs;
    else if (clock.nowMs - heldAtMs >= RENEW_DEADLINE_MS) reign.abort();
  }
  await leading;
  signal.removeEventListener('abort', stop);
  await candidate.release();
}

class Candidate {
  readonly #kube: KubeApi;
  readonly #clock: Clock;
  readonly #election: Election;
  #seen: { readonly version: string; readonly atMs: number } | undefined;

  constructor(kube: KubeApi, clock: Clock, election: Election) {
    this.#kube = kube;
    this.#clock = clock;
    this.#election = election;
  }

  /** Takes or renews the Lease; false when somebody else holds it or the API did not answer. */
  async tryHold(): Promise<boolean> {
    const { identity } = this.#election;
    try {
      const lease = await this.#read();
      const now = microTimestamp(this.#clock);
      if (lease === undefined) {
        await this.#kube.create(LEASE, {
          apiVersion: LEASE.apiVersion,
          kind: LEASE.kind,
          metadata: this.#key(),
          spec: { ...this.#holder(now), acquireTime: now, leaseTransitions: 0 },
        });
        return true;
      }
      const { holderIdentity = '', acquireTime = now, leaseTransitions = 0 } = lease.spec;
      const mine = holderIdentity === identity;
      if (!mine && holderIdentity !== '' && !this.#hasExpired(lease)) return false;
      const spec = mine
        ? { ...this.#holder(now), acquireTime, leaseTransitions }
        : { ...this.#holder(now), acquireTime: now, leaseTransitions: leaseTransitions + 1 };
      await this.#kube.replace(LEASE, { ...lease, spec });
      return true;
    } catch (error) {
      if (isKubeError(error)) return false;
      throw error;
    }
  }

  async release(): Promise<void> {
    try {
      const lease = await this.#read();
      if (lease?.spec.holderIdentity !== this.#election.identity) return;
      await this.#kube.replace(LEASE, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
    } catch (error) {
      if (!isKubeError(error)) throw error;
    }
  }

  #hasExpired(lease: Lease): boolean {
    const version = lease.metadata.resourceVersion;
    if (this.#seen?.version !== version) this.#seen = { version, atMs: this.#clock.nowMs };
    return this.#clock.nowMs - this.#seen.atMs >= LEASE_DURATION_MS;
  }

  async #read(): Promise<Lease | undefined> {
    try {
      return await this.#kube.get(LEASE, this.#key());
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #key(): { namespace: string; name: string } {
    return { namespace: this.#election.namespace, name: this.#election.name };
  }

  #holder(renewTime: string) {
    return {
      holderIdentity: this.#election.identity,
      leaseDurationSeconds: LEASE_DURATION_MS / 1000,
      renewTime,
    };
  }
}
