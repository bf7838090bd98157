import { isKubeError } from '../../../src/kube/error.ts';
import type { OwnerReference } from '../../../src/kube/object.ts';
import type { ApiServer } from '../api-server.ts';
import type { Change } from '../change-history.ts';
import { FOREGROUND, ORPHAN } from '../deletion.ts';
import { storageView } from '../resource.ts';
import type { StoredObject } from '../stored-object.ts';
import type { Table } from '../table.ts';

interface Known {
  readonly table: Table;
  readonly namespace: string;
  readonly name: string;
}

const USER = 'system:serviceaccount:kube-system:generic-garbage-collector';

/**
 * Deletes what its owners leave behind, and carries out propagation policies.
 *
 * Learns of every change from the store, so it keeps an index instead of searching, and acts only when
 * there is something to do: a moment after the change, on the cluster's clock.
 * Source: Kubernetes documentation, "Garbage Collection"; kube-controller-manager's behaviour.
 */
export class GarbageCollector {
  readonly #server: ApiServer;
  readonly #objects = new Map<string, Known>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #due = new Set<string>();
  #scheduled = false;

  constructor(server: ApiServer) {
    this.#server = server;
    server.store.observe((change, table) => this.#learn(change, table));
  }

  #learn(change: Change, table: Table): void {
    const { uid, namespace = '', name, ownerReferences, finalizers } = change.object.metadata;
    const before = change.previous?.metadata.ownerReferences;
    const gone = change.type === 'DELETED';
    if (gone) {
      this.#objects.delete(uid);
      for (const dependent of this.#dependents.get(uid) ?? []) this.#schedule(dependent);
    } else if (change.type === 'ADDED') this.#objects.set(uid, { table, namespace, name });
    if (gone || ownerReferences !== before) {
      for (const owner of before ?? []) this.#unlink(owner.uid, uid);
      if (gone) for (const owner of ownerReferences ?? []) this.#unlink(owner.uid, uid);
    }
    if (gone) return;
    if (ownerReferences !== before) {
      for (const owner of ownerReferences ?? []) this.#link(owner, uid);
      if (ownerReferences?.some((owner) => !this.#exists(owner, namespace)) === true) this.#schedule(uid);
    }
    if (change.object.metadata.deletionTimestamp === undefined) return;
    if (finalizers?.includes(FOREGROUND) === true || finalizers?.includes(ORPHAN) === true)
      this.#schedule(uid);
  }

  #link(owner: OwnerReference, dependent: string): void {
    const dependents = this.#dependents.get(owner.uid);
    if (dependents === undefined) this.#dependents.set(owner.uid, new Set([dependent]));
    else dependents.add(dependent);
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    if (dependents === undefined) return;
    dependents.delete(dependent);
    if (this.#objects.has(owner)) this.#schedule(owner);
    if (dependents.size === 0) this.#dependents.delete(owner);
  }

  #schedule(uid: string): void {
    this.#due.add(uid);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#server.clock.after(0, () => this.#work());
  }

  #work(): void {
    this.#scheduled = false;
    const due = [...this.#due];
    this.#due.clear();
    for (const uid of due) {
      const known = this.#objects.get(uid);
      const object = known?.table.get(known.namespace, known.name);
      if (known === undefined || object === undefined) continue;
      try {
        this.#settle(known, object);
      } catch (error) {
        if (!isKubeError(error, 'NotFound', 'Conflict')) throw error;
      }
    }
  }

  #settle(known: Known, object: StoredObject): void {
    const { metadata } = object;
    const finalizers = metadata.deletionTimestamp === undefined ? [] : (metadata.finalizers ?? []);
    if (finalizers.includes(ORPHAN)) this.#orphan(known, object);
    else if (finalizers.includes(FOREGROUND)) this.#deleteDependents(known, object);
    else this.#checkOwners(known, object);
  }

  /** Without any owner left the object goes; with some, only the dangling references do. */
  #checkOwners(known: Known, { metadata }: StoredObject): void {
    const owners = metadata.ownerReferences ?? [];
    const alive = owners.filter((owner) => this.#exists(owner, known.namespace));
    if (alive.length === owners.length || metadata.deletionTimestamp !== undefined) return;
    if (alive.length > 0) this.#write(known, { ownerReferences: alive });
    else
      this.#server.delete(storageView(known.table.resource), known, {
        user: USER,
        propagationPolicy: 'Background',
        preconditions: { uid: metadata.uid },
      });
  }

  #orphan(known: Known, { metadata }: StoredObject): void {
    for (const uid of [...(this.#dependents.get(metadata.uid) ?? [])]) {
      const dependent = this.#objects.get(uid);
      if (dependent === undefined) continue;
      const object = dependent.table.get(dependent.namespace, dependent.name);
      const references = object?.metadata.ownerReferences ?? [];
      this.#write(dependent, { ownerReferences: references.filter((owner) => owner.uid !== metadata.uid) });
    }
    this.#dropFinalizer(known, metadata.finalizers ?? [], ORPHAN);
  }

  /** The owner stays until those dependents are gone that say they block its deletion. */
  #deleteDependents(known: Known, { metadata }: StoredObject): void {
    let blocked = false;
    for (const uid of [...(this.#dependents.get(metadata.uid) ?? [])]) {
      const dependent = this.#objects.get(uid);
      const object = dependent?.table.get(dependent.namespace, dependent.name);
      if (dependent === undefined || object === undefined) continue;
      const reference = object.metadata.ownerReferences?.find((owner) => owner.uid === metadata.uid);
      if (object.metadata.deletionTimestamp === undefined) {
        const propagationPolicy = this.#dependents.has(uid) ? 'Foreground' : 'Background';
        this.#server.delete(storageView(dependent.table.resource), dependent, {
          user: USER,
          propagationPolicy,
        });
      }
      if (reference?.blockOwnerDeletion === true && this.#objects.has(uid)) blocked = true;
    }
    if (!blocked) this.#dropFinalizer(known, metadata.finalizers ?? [], FOREGROUND);
  }

  #dropFinalizer(known: Known, finalizers: readonly string[], finalizer: string): void {
    this.#write(known, { finalizers: finalizers.filter((other) => other !== finalizer) });
  }

  #write(known: Known, metadata: object): void {
    this.#server.patch(
      storageView(known.table.resource),
      known,
      { type: 'merge', body: { metadata } },
      { user: USER },
    );
  }

  /** An owner counts when it lives and is cluster-scoped or in the dependent's own namespace. */
  #exists(owner: OwnerReference, namespace: string): boolean {
    const known = this.#objects.get(owner.uid);
    return known !== undefined && (known.namespace === '' || known.namespace === namespace);
  }
}
