import type { KubeApi } from '../../../src/kube/api.ts';
import type { Kind, KubeObject } from '../../../src/kube/object.ts';
import { keyOf } from '../../../src/kube/object.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { followObjects } from './object-feed.ts';
import { writePersistently } from './persistent-write.ts';

/** Finalizers by which a server remembers how dependents are to be treated. Source: metav1, FinalizerDeleteDependents and FinalizerOrphanDependents. */
const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export interface OwnerCollectorOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly namespace: string;
  /** Owners and dependents; others are not looked at. */
  readonly kinds: readonly Kind[];
}

interface Known {
  readonly kind: Kind;
  readonly object: KubeObject;
}

/**
 * Stands in for the garbage collector of one namespace, for an API server that nobody brought one to:
 * deletes what its owners leave behind, and carries out foreground and orphaning deletions.
 *
 * Source: Kubernetes documentation, "Garbage Collection".
 */
export class OwnerCollector {
  readonly #options: OwnerCollectorOptions;
  readonly #known = new Map<string, Known>();
  /** Owners that were seen, and are no more. */
  readonly #gone = new Set<string>();

  constructor(options: OwnerCollectorOptions) {
    this.#options = options;
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, kinds, namespace } = this.#options;
    const follow = (kind: Kind): Promise<void> =>
      followObjects(api, kind, { namespace }, clock, signal, {
        present: (object) => {
          this.#known.set(object.metadata.uid, { kind, object });
          void this.#look(object.metadata.uid, signal);
        },
        gone: ({ metadata }) => {
          const { object } = this.#known.get(metadata.uid) ?? {};
          this.#known.delete(metadata.uid);
          this.#gone.add(metadata.uid);
          for (const dependent of this.#dependentsOf(metadata.uid)) void this.#look(dependent, signal);
          // A foreground deletion upstream waits for this one.
          for (const owner of object?.metadata.ownerReferences ?? []) void this.#look(owner.uid, signal);
        },
      });
    await Promise.all(kinds.map(follow));
  }

  #dependentsOf(owner: string): string[] {
    return [...this.#known]
      .filter(([, { object }]) => object.metadata.ownerReferences?.some(({ uid }) => uid === owner))
      .map(([uid]) => uid);
  }

  async #look(uid: string, signal: AbortSignal): Promise<void> {
    const known = this.#known.get(uid);
    if (known === undefined) return;
    const { metadata } = known.object;
    const finalizers = metadata.deletionTimestamp === undefined ? [] : (metadata.finalizers ?? []);
    if (finalizers.includes(ORPHAN)) await this.#orphanDependents(known, signal);
    else if (finalizers.includes(FOREGROUND)) await this.#deleteDependents(known, signal);
    else if (metadata.deletionTimestamp === undefined) await this.#checkOwners(known, signal);
  }

  async #checkOwners(known: Known, signal: AbortSignal): Promise<void> {
    const owners = known.object.metadata.ownerReferences ?? [];
    const alive = owners.filter(({ uid }) => !this.#gone.has(uid));
    if (alive.length === owners.length) return;
    if (alive.length > 0) await this.#writeMeta(known, { ownerReferences: alive }, signal);
    else await this.#delete(known, 'Background', signal);
  }

  async #orphanDependents(known: Known, signal: AbortSignal): Promise<void> {
    const { uid: owner } = known.object.metadata;
    for (const uid of this.#dependentsOf(owner)) {
      const dependent = this.#known.get(uid);
      if (dependent === undefined) continue;
      const references = dependent.object.metadata.ownerReferences ?? [];
      const kept = references.filter((reference) => reference.uid !== owner);
      await this.#writeMeta(dependent, { ownerReferences: kept }, signal);
    }
    await this.#dropFinalizer(known, ORPHAN, signal);
  }

  async #deleteDependents(known: Known, signal: AbortSignal): Promise<void> {
    const { uid: owner } = known.object.metadata;
    let blocked = false;
    for (const uid of this.#dependentsOf(owner)) {
      const dependent = this.#known.get(uid);
      if (dependent === undefined) continue;
      const { deletionTimestamp, ownerReferences = [] } = dependent.object.metadata;
      blocked ||= ownerReferences.some((one) => one.uid === owner && one.blockOwnerDeletion === true);
      if (deletionTimestamp !== undefined) continue;
      const policy = this.#dependentsOf(uid).length > 0 ? 'Foreground' : 'Background';
      await this.#delete(dependent, policy, signal);
    }
    if (!blocked) await this.#dropFinalizer(known, FOREGROUND, signal);
  }

  async #dropFinalizer(known: Known, finalizer: string, signal: AbortSignal): Promise<void> {
    const finalizers = (known.object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    await this.#writeMeta(known, { finalizers }, signal);
  }

  /** With the version it was seen in: a newer one is looked at anew. */
  async #writeMeta({ kind, object }: Known, metadata: object, signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    const { resourceVersion } = object.metadata;
    const body = { metadata: { ...metadata, resourceVersion } };
    const write = (): Promise<unknown> => api.patch(kind, keyOf(object), { type: 'merge', body });
    await writePersistently(write, clock, signal);
  }

  async #delete(
    { kind, object }: Known,
    propagationPolicy: 'Background' | 'Foreground',
    signal: AbortSignal,
  ): Promise<void> {
    const { api, clock } = this.#options;
    const options = { propagationPolicy, preconditions: { uid: object.metadata.uid } };
    await writePersistently(() => api.delete(kind, keyOf(object), options), clock, signal);
  }
}
