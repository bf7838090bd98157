import { KubeError } from '../../src/kube/error.ts';
import type { Random } from '../../src/random/random.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import { checkDraft, isUnchanged, readDraft, toStorage } from './admission.ts';
import { isReset, type Manager, ownersAfterUpdate } from './apply/managed-fields.ts';
import { type Applied, serverSideApply } from './apply/server-side-apply.ts';
import type { Catalog } from './catalog.ts';
import type { Origin } from './decode-errors.ts';
import { finalizersOnDelete, isGone, marked } from './deletion.ts';
import { immutableMeta } from './object-meta.ts';
import { generateName, newUid } from './object-name.ts';
import { OpenWatches } from './open-watches.ts';
import { OwnerPool } from './owner-pool.ts';
import { type Patch, patched } from './patch.ts';
import { boundPod } from './pod-binding.ts';
import {
  checkNewlyApplied,
  checkPreconditions,
  checkProposed,
  nothingToReplace,
  type Place,
} from './preconditions.ts';
import { type DeleteRequest, INSTALLER, type Subresource, type WriteRequest } from './requests.ts';
import { type Resource, type Served, seenThrough } from './resource.ts';
import { rescaled, scaleConfig, scaleOfObject } from './scale.ts';
import * as refuse from './status-errors.ts';
import type { Store } from './store.ts';
import type { Draft, ManagedFieldsEntry, Members, StoredObject } from './stored-object.ts';
import type { WriteCheck } from './write-check.ts';
import {
  askerOf,
  checkSize,
  copyOf,
  isNewGeneration,
  policyOf,
  settleNamespace,
  statusMeta,
  undated,
  updatedMeta,
} from './write-steps.ts';

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
  readonly #installerUids: Random;
  readonly #names: Random;
  readonly #checks: CreateCheck[] = [];
  readonly #writeChecks: WriteCheck[] = [];
  readonly #tracksWriters: boolean;
  readonly #owners = new OwnerPool();
  readonly watches = new OpenWatches();

  constructor({ store, catalog, clock, random, tracksWriters }: ApiServerParts) {
    this.#tracksWriters = tracksWriters;
    this.store = store;
    this.catalog = catalog;
    this.clock = clock;
    this.#uids = random.split('uid');
    this.#installerUids = random.split('uid/installer');
    this.#names = random.split('name');
  }

  addCheck(check: CreateCheck): void {
    this.#checks.push(check);
  }

  addWriteCheck(check: WriteCheck): void {
    this.#writeChecks.push(check);
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
    const { answer } = served.resource;
    if (answer !== undefined) return this.#answer(served, namespace, input, request, answer);
    return this.#create(served, namespace, input, request, undefined);
  }

  /** POST to a subresource that makes something. */
  act(served: Served, place: Place, subresource: string, body: unknown, request: WriteRequest): Members {
    const action = served.resource.actions?.[subresource];
    if (action === undefined) throw refuse.notServed();
    return action.create(this.#current(served, place), body, request);
  }

  #answer(
    served: Served,
    namespace: string,
    input: unknown,
    request: WriteRequest,
    answer: NonNullable<Resource['answer']>,
  ): StoredObject {
    const draft = readDraft(served, input, undefined, request, 'body');
    settleNamespace(served, draft, namespace);
    checkDraft(served, draft, undefined, 'body');
    answer(draft, askerOf(request));
    const { name, ...metadata } = draft.metadata;
    return { ...draft, metadata: { ...metadata, creationTimestamp: null } } as object as StoredObject;
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
    const draft = readDraft(served, input, undefined, request, 'body');
    const { metadata } = draft;
    if (metadata.resourceVersion !== undefined)
      throw new KubeError('InternalError', 'resourceVersion should not be set on objects to be created');
    settleNamespace(served, draft, namespace);
    if (metadata.name === '' && metadata.generateName !== undefined)
      metadata.name = generateName(metadata.generateName, this.#names);
    for (const check of this.#checks) check(served, namespace, metadata.name);
    this.#checkWrite(served, namespace, draft, undefined, request);
    draft.metadata = {
      ...metadata,
      uid: newUid(request.user === INSTALLER ? this.#installerUids : this.#uids),
      resourceVersion: '',
      creationTimestamp: timestamp(this.clock),
    };
    if (metadata.ownerReferences !== undefined)
      draft.metadata.ownerReferences = this.#owners.share(metadata.ownerReferences);
    delete draft.metadata.deletionTimestamp;
    delete draft.metadata.deletionGracePeriodSeconds;
    delete draft.metadata.managedFields;
    if (resource.hasGeneration) draft.metadata.generation = 1;
    else delete draft.metadata.generation;
    if (served.version.hasStatus) delete draft.status;
    resource.fillIn?.(draft);
    const owners =
      managedFields ??
      (this.#tracksWriters
        ? ownersAfterUpdate(served, undefined, draft, ...this.#writer(request))
        : undefined);
    resource.prepare?.(draft, undefined);
    checkDraft(served, draft, undefined, 'body');
    const table = this.store.table(resource);
    const existing = table.get(namespace, draft.metadata.name);
    if (existing !== undefined)
      throw refuse.alreadyExists(
        resource,
        draft.metadata.name,
        existing.metadata.deletionTimestamp !== undefined,
      );
    if (owners !== undefined) draft.metadata.managedFields = owners;
    if (request.dryRun === true) return undated(draft);
    const unavailable = resource.allocate?.(draft) ?? [];
    if (unavailable.length > 0) throw refuse.invalid(resource, draft.metadata.name, unavailable);
    checkSize(request);
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
    if (!this.exists(served, place)) throw nothingToReplace(served, place, input);
    if (request.subresource === 'scale') return this.#rescale(served, place, () => input, request);
    return this.#update(served, place, () => ({ object: input }), request, 'body');
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
      'patch',
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
      return this.#update(served, place, applied, request, 'patch');
    const { object, managedFields } = applied(undefined);
    checkNewlyApplied(served, place, object);
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
    origin: Origin,
  ): StoredObject {
    const { resource, version } = served;
    const current = this.#current(served, place);
    const seen = seenThrough(served, current);
    const onStatus = request.subresource === 'status';
    if (request.subresource === 'binding' || (onStatus && !version.hasStatus)) throw refuse.notServed();
    const { object, managedFields } = propose(seen);
    const proposed = readDraft(served, object, seen, request, origin);
    checkProposed(served, place, proposed, current, origin);
    this.#checkWrite(served, place.namespace, proposed, seen, request);

    const draft: Draft = onStatus ? { ...seen, metadata: seen.metadata } : { ...proposed };
    if (onStatus || version.hasStatus) {
      const { status } = onStatus ? proposed : seen;
      if (status === undefined) delete draft.status;
      else draft.status = status;
    }
    draft.metadata = onStatus ? statusMeta(resource, proposed, seen) : updatedMeta(proposed, seen);
    const fixed = immutableMeta(proposed.metadata, seen.metadata);
    if (fixed.length > 0) throw refuse.invalid(resource, place.name, fixed);
    resource.fillIn?.(draft);
    resource.prepare?.(draft, seen);
    checkDraft(served, draft, seen, origin);
    if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
    else this.#keepOwners(served, seen, draft, onStatus ? undefined : proposed, request);
    const stored = toStorage(served, draft, current);
    if (isUnchanged(stored, current)) return seen;
    if (resource.hasGeneration && !onStatus && isNewGeneration(served, stored, current))
      stored.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (request.dryRun === true) return seenThrough(served, stored);
    checkSize(request);
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
      'patch',
    );
    return scaleOfObject(served, updated);
  }

  #checkWrite(
    served: Served,
    namespace: string,
    draft: Draft,
    previous: StoredObject | undefined,
    request: WriteRequest,
  ): void {
    for (const check of this.#writeChecks)
      check({ served, namespace, draft, previous, asker: askerOf(request) });
  }

  /** Brings managed fields up to date with an update, which may itself say who the owners are. */
  #keepOwners(
    served: Served,
    before: StoredObject,
    draft: Draft,
    proposed: Draft | undefined,
    request: WriteRequest,
  ): void {
    const known = before.metadata.managedFields;
    const declared = proposed?.metadata.managedFields ?? known;
    if (declared === undefined) return;
    if (isReset(declared)) delete draft.metadata.managedFields;
    else if (declared !== known || !isUnchanged(draft, before))
      draft.metadata.managedFields = ownersAfterUpdate(
        served,
        before,
        draft,
        ...this.#writer(request),
        declared,
      );
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
}
