import { KubeError } from '../../src/kube/error.ts';
import type { Random } from '../../src/random/random.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import { checkDraft, hasNewSpec, isUnchanged, readDraft, toStorage } from './admission.ts';
import { type Manager, ownersAfterUpdate } from './apply/managed-fields.ts';
import { type Applied, serverSideApply } from './apply/server-side-apply.ts';
import type { Catalog } from './catalog.ts';
import { finalizersOnDelete, isGone, marked } from './deletion.ts';
import { generateName, newUid } from './object-name.ts';
import { OpenWatches } from './open-watches.ts';
import { type Patch, patched } from './patch.ts';
import { boundPod } from './pod-binding.ts';
import { checkPreconditions, checkProposed, type Place } from './preconditions.ts';
import type { DeleteRequest, Subresource, WriteRequest } from './requests.ts';
import { type Served, seenThrough } from './resource.ts';
import { rescaled, scaleConfig, scaleOfObject } from './scale.ts';
import * as refuse from './status-errors.ts';
import type { Store } from './store.ts';
import {
  type Draft,
  equalJson,
  isMembers,
  type ManagedFieldsEntry,
  type StoredObject,
} from './stored-object.ts';

export interface ApiServerParts {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: Random;
  /** Keeps managed fields from an object's creation on, not only from its first server-side apply. */
  readonly tracksWriters: boolean;
}

/** A changed object, and who owns what of it when that is known already. */
interface Proposal {
  readonly object: unknown;
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** Asked before an object is created; throws KubeError to refuse it. */
export type CreateCheck = (served: Served, namespace: string, name: string) => void;

/**
 * The verbs of the API, each one synchronous step on the store: both doors call these.
 *
 * Every method throws KubeError and nothing else on what a client did wrong.
 * Source for the order of steps: k8s.io/apiserver, registry/generic/registry/store.go (v0.32).
 */
export class ApiServer {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly #uids: Random;
  readonly #names: Random;
  readonly #checks: CreateCheck[] = [];
  readonly #tracksWriters: boolean;
  readonly watches = new OpenWatches();

  constructor({ store, catalog, clock, random, tracksWriters }: ApiServerParts) {
    this.#tracksWriters = tracksWriters;
    this.store = store;
    this.catalog = catalog;
    this.clock = clock;
    this.#uids = random.split('uid');
    this.#names = random.split('name');
  }

  addCheck(check: CreateCheck): void {
    this.#checks.push(check);
  }

  /** The object, or its scale. */
  get(served: Served, place: Place, subresource?: Subresource): StoredObject {
    const object = seenThrough(served, this.#current(served, place));
    if (subresource === 'scale') return scaleOfObject(served, object);
    if (subresource === 'binding' || (subresource === 'status' && !served.version.hasStatus))
      throw refuse.notServed();
    return object;
  }

  exists(served: Served, { namespace, name }: Place): boolean {
    return this.store.table(served.resource).get(namespace, name) !== undefined;
  }

  create(served: Served, namespace: string, input: unknown, request: WriteRequest): StoredObject {
    return this.#create(served, namespace, input, request, undefined);
  }

  #create(
    served: Served,
    namespace: string,
    input: unknown,
    request: WriteRequest,
    managedFields: readonly ManagedFieldsEntry[] | undefined,
  ): StoredObject {
    const { resource } = served;
    if (request.subresource !== undefined) throw refuse.methodNotAllowed(resource, 'create');
    const draft = readDraft(served, input, undefined, request);
    const { metadata } = draft;
    if (metadata.resourceVersion !== undefined)
      throw new KubeError('InternalError', 'resourceVersion should not be set on objects to be created');
    this.#settleNamespace(served, draft, namespace);
    if (metadata.name === '' && metadata.generateName !== undefined)
      metadata.name = generateName(metadata.generateName, this.#names);
    for (const check of this.#checks) check(served, namespace, metadata.name);
    draft.metadata = {
      ...metadata,
      uid: newUid(this.#uids),
      resourceVersion: '',
      creationTimestamp: timestamp(this.clock),
    };
    delete draft.metadata.deletionTimestamp;
    delete draft.metadata.deletionGracePeriodSeconds;
    delete draft.metadata.managedFields;
    if (resource.hasGeneration) draft.metadata.generation = 1;
    else delete draft.metadata.generation;
    if (served.version.hasStatus) delete draft.status;
    resource.prepare?.(draft, undefined);
    checkDraft(served, draft, undefined);
    const table = this.store.table(resource);
    const existing = table.get(namespace, draft.metadata.name);
    if (existing !== undefined)
      throw refuse.alreadyExists(
        resource,
        draft.metadata.name,
        existing.metadata.deletionTimestamp !== undefined,
      );
    if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
    else if (this.#tracksWriters)
      draft.metadata.managedFields = ownersAfterUpdate(served, undefined, draft, ...this.#writer(request));
    if (request.dryRun === true) return draft;
    const unavailable = resource.allocate?.(draft) ?? [];
    if (unavailable.length > 0) throw refuse.invalid(resource, draft.metadata.name, unavailable);
    const stored = toStorage(served, draft, undefined);
    return seenThrough(served, this.store.create(resource, stored));
  }

  /** Gives a Pod to a node. */
  bind(served: Served, place: Place, binding: unknown, request: WriteRequest): StoredObject {
    const { resource } = served;
    if (resource.kind !== 'Pod' || resource.group !== '') throw refuse.notServed();
    const pod = this.#current(served, place);
    const draft: Draft = {
      ...pod,
      ...boundPod(resource, pod, binding, this.clock),
      metadata: { ...pod.metadata },
    };
    return request.dryRun === true ? draft : this.store.update(resource, draft, pod);
  }

  /** PUT: the whole object, its status, or its scale. */
  replace(served: Served, place: Place, input: unknown, request: WriteRequest): StoredObject {
    if (request.subresource === 'scale') return this.#rescale(served, place, () => input, request);
    return this.#update(served, place, () => ({ object: input }), request);
  }

  patch(served: Served, place: Place, patch: Patch, request: WriteRequest): StoredObject {
    const { type, body } = patch;
    const onScale = request.subresource === 'scale';
    if (type === 'apply')
      return onScale
        ? scaleOfObject(served, this.#apply(served, place, scaleConfig(served, body), request))
        : this.#apply(served, place, body, request);
    if (onScale)
      return this.#rescale(served, place, (scale) => patched(served, scale, { type, body }), request);
    return this.#update(
      served,
      place,
      (current) => ({ object: patched(served, current, { type, body }) }),
      request,
    );
  }

  /** Returns the object in its last or marked state; `gone` says which. */
  delete(served: Served, place: Place, request: DeleteRequest): { object: StoredObject; gone: boolean } {
    const { resource } = served;
    const current = this.#current(served, place);
    checkPreconditions(served, current, request);
    const { metadata } = current;
    const graceful = resource.graceSeconds?.(current) ?? 0;
    const grace = Math.min(request.gracePeriodSeconds ?? graceful, graceful);
    const pending =
      metadata.deletionTimestamp !== undefined && (metadata.deletionGracePeriodSeconds ?? 0) > 0;
    if (pending && grace > 0) return { object: seenThrough(served, current), gone: false };
    const finalizers = finalizersOnDelete(metadata.finalizers ?? [], policyOf(served, request));
    const held = finalizers.length > 0 || grace > 0 || resource.holdsDeletion?.(current) === true;
    if (!held) {
      if (request.dryRun !== true) this.#remove(served, copyOf(current), current);
      return { object: seenThrough(served, current), gone: true };
    }
    const draft = marked(current, finalizers, grace, this.clock);
    resource.prepare?.(draft, current);
    if (isUnchanged(draft, current) || request.dryRun === true)
      return { object: seenThrough(served, current), gone: false };
    return { object: seenThrough(served, this.store.update(resource, draft, current)), gone: false };
  }

  /** Creates the object when it is not there. */
  #apply(served: Served, place: Place, config: unknown, request: WriteRequest): StoredObject {
    const { fieldManager, force = false, subresource } = request;
    const time = timestamp(this.clock);
    const applied = (live: StoredObject | undefined): Applied =>
      serverSideApply(served, live, config, { fieldManager, force, subresource, time });
    if (subresource !== undefined || this.exists(served, place))
      return this.#update(served, place, applied, request);
    const { object, managedFields } = applied(undefined);
    const name = isMembers(object.metadata) ? object.metadata.name : undefined;
    if (name !== place.name)
      throw refuse.badRequest(
        `the name of the object (${name}) does not match the name on the URL (${place.name})`,
      );
    return this.#create(served, place.namespace, object, request, managedFields);
  }

  /** Who a write is by, as managed fields name it, and when. */
  #writer({ fieldManager, user, subresource }: WriteRequest): [Manager, string] {
    const name = fieldManager ?? user;
    return [{ name, operation: 'Update', subresource }, timestamp(this.clock)];
  }

  #update(
    served: Served,
    place: Place,
    propose: (current: StoredObject) => Proposal,
    request: WriteRequest,
  ): StoredObject {
    const { resource, version } = served;
    const current = this.#current(served, place);
    const seen = seenThrough(served, current);
    const onStatus = request.subresource === 'status';
    if (request.subresource === 'binding' || (onStatus && !version.hasStatus)) throw refuse.notServed();
    const { object, managedFields } = propose(seen);
    const proposed = readDraft(served, object, seen, request);
    checkProposed(served, place, proposed, current);

    const draft: Draft = onStatus ? { ...seen, metadata: seen.metadata } : { ...proposed };
    if (onStatus || version.hasStatus) {
      const { status } = onStatus ? proposed : seen;
      if (status === undefined) delete draft.status;
      else draft.status = status;
    }
    draft.metadata = onStatus ? { ...seen.metadata } : updatedMeta(proposed, seen);
    resource.prepare?.(draft, seen);
    checkDraft(served, draft, seen);
    if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
    else if (seen.metadata.managedFields !== undefined && !isUnchanged(draft, seen))
      draft.metadata.managedFields = ownersAfterUpdate(served, seen, draft, ...this.#writer(request));
    const stored = toStorage(served, draft, current);
    if (isUnchanged(stored, current)) return seen;
    if (resource.hasGeneration && isNewGeneration(served, stored, current))
      stored.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (request.dryRun === true) return seenThrough(served, stored);
    const written = isGone(resource, stored)
      ? this.#remove(served, stored, current)
      : this.store.update(resource, stored, current);
    return seenThrough(served, written);
  }

  #rescale(
    served: Served,
    place: Place,
    propose: (scale: StoredObject) => unknown,
    request: WriteRequest,
  ): StoredObject {
    const updated = this.#update(
      served,
      place,
      (seen) => ({ object: rescaled(served, seen, propose(scaleOfObject(served, seen))) }),
      request,
    );
    return scaleOfObject(served, updated);
  }

  #remove({ resource }: Served, last: Draft, current: StoredObject): StoredObject {
    resource.release?.(current);
    return this.store.remove(resource, last, current);
  }

  #current({ resource }: Served, { namespace, name }: Place): StoredObject {
    const current = this.store.table(resource).get(namespace, name);
    if (current === undefined) throw refuse.notFound(resource, name);
    return current;
  }

  #settleNamespace({ resource }: Served, draft: Draft, namespace: string): void {
    const given = draft.metadata.namespace;
    if (given !== undefined && given !== namespace)
      throw refuse.badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    if (!resource.namespaced) return;
    if (namespace === '') throw refuse.badRequest(`an object of kind ${resource.kind} needs a namespace`);
    draft.metadata.namespace = namespace;
  }
}

/** The metadata that an update leads to: what the server owns stays as it was. */
function updatedMeta(proposed: Draft, { metadata: before }: StoredObject): Draft['metadata'] {
  const { metadata: after } = proposed;
  const meta: Draft['metadata'] = { ...before };
  for (const member of ['generateName', 'labels', 'annotations', 'ownerReferences', 'finalizers'] as const) {
    if (after[member] === undefined) delete meta[member];
    else Object.assign(meta, { [member]: after[member] });
  }
  return meta;
}

/** What becomes of dependents. Jobs keep theirs for historical reasons, and say so. */
function policyOf(
  { resource }: Served,
  { propagationPolicy, warn }: DeleteRequest,
): DeleteRequest['propagationPolicy'] {
  if (propagationPolicy !== undefined || resource.orphansByDefault !== true) return propagationPolicy;
  warn?.(
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  );
  return 'Orphan';
}

function isNewGeneration({ resource }: Served, stored: Draft, current: StoredObject): boolean {
  if (hasNewSpec(stored, current)) return true;
  return (
    resource.generationCountsAnnotations === true &&
    !equalJson(stored.metadata.annotations, current.metadata.annotations)
  );
}

function copyOf(object: StoredObject): Draft {
  return { ...object, metadata: { ...object.metadata } };
}
