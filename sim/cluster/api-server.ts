import { KubeError } from '../../src/kube/error.ts';
import type { Random } from '../../src/random/random.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import { checkDraft, hasNewSpec, isUnchanged, readDraft, toStorage } from './admission.ts';
import { isReset, type Manager, ownersAfterUpdate } from './apply/managed-fields.ts';
import { type Applied, serverSideApply } from './apply/server-side-apply.ts';
import { trustedUser, type UserInfo } from './auth/user.ts';
import type { Catalog } from './catalog.ts';
import type { Origin } from './decode-errors.ts';
import { finalizersOnDelete, isGone, marked } from './deletion.ts';
import { immutableMeta } from './object-meta.ts';
import { generateName, newUid } from './object-name.ts';
import { OpenWatches } from './open-watches.ts';
import { type Patch, patched } from './patch.ts';
import { checkPreconditions, checkProposed, type Place } from './preconditions.ts';
import { type DeleteRequest, INSTALLER, type WriteRequest } from './requests.ts';
import { type Resource, type Served, seenThrough } from './resource.ts';
import * as refuse from './status-errors.ts';
import type { Store } from './store.ts';
import {
  type Draft,
  isMembers,
  type ManagedFieldsEntry,
  type Members,
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

/** An object that is about to be created, or to replace `previous`; nothing is validated yet. */
export interface Write {
  readonly served: Served;
  readonly namespace: string;
  readonly draft: Draft;
  readonly previous: StoredObject | undefined;
  readonly asker: UserInfo;
}

/** Asked before an object is written; throws KubeError to refuse it. */
export type WriteCheck = (write: Write) => void;

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

  get(served: Served, place: Place): StoredObject {
    return seenThrough(served, this.#current(served, place));
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
    this.#settleNamespace(served, draft, namespace);
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
    this.#settleNamespace(served, draft, namespace);
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

  /** PUT: the whole object, or its status. */
  replace(served: Served, place: Place, input: unknown, request: WriteRequest): StoredObject {
    if (!this.exists(served, place)) throw this.#gone(served, place, input);
    return this.#update(served, place, () => ({ object: input }), request, 'body');
  }

  patch(served: Served, place: Place, patch: Patch, request: WriteRequest): StoredObject {
    const { type, body } = patch;
    if (type === 'apply') return this.#apply(served, place, body, request);
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
    const finalizers = finalizersOnDelete(metadata.finalizers ?? [], request.propagationPolicy);
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

  /** Nothing is there to replace; to one who says which object was meant, that is a conflict. */
  #gone({ resource }: Served, { name }: Place, input: unknown): KubeError {
    const metadata = isMembers(input) && isMembers(input.metadata) ? input.metadata : {};
    if (typeof metadata.uid !== 'string' || metadata.uid === '') return refuse.notFound(resource, name);
    const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: `;
    return refuse.conflict(resource, name, why);
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
    origin: Origin,
  ): StoredObject {
    const { resource, version } = served;
    const current = this.#current(served, place);
    const seen = seenThrough(served, current);
    const onStatus = request.subresource === 'status';
    if (request.subresource === 'scale' || (onStatus && !version.hasStatus)) throw refuse.notServed();
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
    draft.metadata = onStatus ? { ...seen.metadata } : updatedMeta(proposed, seen);
    const fixed = immutableMeta(proposed.metadata, seen.metadata);
    if (fixed.length > 0) throw refuse.invalid(resource, place.name, fixed);
    resource.fillIn?.(draft);
    resource.prepare?.(draft, seen);
    checkDraft(served, draft, seen, origin);
    if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
    else this.#keepOwners(served, seen, draft, onStatus ? undefined : proposed, request);
    const stored = toStorage(served, draft, current);
    if (isUnchanged(stored, current)) return seen;
    if (resource.hasGeneration && hasNewSpec(stored, current))
      stored.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (request.dryRun === true) return seenThrough(served, stored);
    checkSize(request);
    const written = isGone(resource, stored)
      ? this.#remove(served, stored, current)
      : this.store.update(resource, stored, current);
    return seenThrough(served, written);
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

function askerOf({ asker, user }: WriteRequest): UserInfo {
  return asker ?? trustedUser(user);
}

/** What was not stored has no version. */
function undated(draft: Draft): StoredObject {
  const { resourceVersion: _, ...metadata } = draft.metadata;
  return { ...draft, metadata: metadata as Draft['metadata'] };
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

/** Source: etcd, --max-request-bytes. */
const STORED_BYTES_MAX = 1.5 * 1024 * 1024;

/** Throws InternalError: only etcd itself notices. */
function checkSize({ bodyBytes = 0 }: WriteRequest): void {
  if (bodyBytes > STORED_BYTES_MAX) throw refuse.tooLargeToStore();
}

function copyOf(object: StoredObject): Draft {
  return { ...object, metadata: { ...object.metadata } };
}
