import type { PatchKind } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/error.ts';
import type { Random } from '../../src/random/random.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import { checkDraft, hasNewSpec, isUnchanged, readDraft, toStorage } from './admission.ts';
import type { Catalog } from './catalog.ts';
import { finalizersOnDelete, isGone, marked } from './deletion.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { generateName, newUid } from './object-name.ts';
import type { DeleteRequest, WriteRequest } from './requests.ts';
import { type Served, seenThrough } from './resource.ts';
import * as refuse from './status-errors.ts';
import type { Store } from './store.ts';
import type { Draft, StoredObject } from './stored-object.ts';

/** Where an object is; the namespace is empty for cluster-scoped kinds. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
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

  constructor(store: Store, catalog: Catalog, clock: Clock, random: Random) {
    this.store = store;
    this.catalog = catalog;
    this.clock = clock;
    this.#uids = random.split('uid');
    this.#names = random.split('name');
  }

  addCheck(check: CreateCheck): void {
    this.#checks.push(check);
  }

  get(served: Served, place: Place): StoredObject {
    return seenThrough(served, this.#current(served, place));
  }

  create(served: Served, namespace: string, input: unknown, request: WriteRequest): StoredObject {
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
    if (request.dryRun === true) return draft;
    const unavailable = resource.allocate?.(draft) ?? [];
    if (unavailable.length > 0) throw refuse.invalid(resource, draft.metadata.name, unavailable);
    const stored = toStorage(served, draft, undefined);
    return seenThrough(served, this.store.create(resource, stored));
  }

  /** PUT: the whole object, or its status. */
  replace(served: Served, place: Place, input: unknown, request: WriteRequest): StoredObject {
    return this.#update(served, place, () => input, request);
  }

  patch(
    served: Served,
    place: Place,
    patch: { readonly type: PatchKind; readonly body: unknown },
    request: WriteRequest,
  ): StoredObject {
    const apply = patch.type === 'merge' ? mergePatch : patch.type === 'json' ? jsonPatch : undefined;
    if (apply === undefined)
      throw new KubeError('UnsupportedMediaType', 'server-side apply is not served by this server');
    return this.#update(served, place, (current) => apply(current, patch.body), request);
  }

  /** Returns the object in its last or marked state; `gone` says which. */
  delete(served: Served, place: Place, request: DeleteRequest): { object: StoredObject; gone: boolean } {
    const { resource } = served;
    const current = this.#current(served, place);
    this.#checkPreconditions(served, current, request);
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

  #update(
    served: Served,
    place: Place,
    propose: (current: StoredObject) => unknown,
    request: WriteRequest,
  ): StoredObject {
    const { resource, version } = served;
    const current = this.#current(served, place);
    const seen = seenThrough(served, current);
    const onStatus = request.subresource === 'status';
    if (request.subresource === 'scale' || (onStatus && !version.hasStatus)) throw refuse.notServed();
    const proposed = readDraft(served, propose(seen), seen, request);
    this.#checkProposed(served, place, proposed, current);

    const draft: Draft = onStatus ? { ...seen, metadata: seen.metadata } : { ...proposed };
    if (onStatus || version.hasStatus) {
      const { status } = onStatus ? proposed : seen;
      if (status === undefined) delete draft.status;
      else draft.status = status;
    }
    draft.metadata = onStatus ? { ...seen.metadata } : updatedMeta(proposed, seen);
    resource.prepare?.(draft, seen);
    checkDraft(served, draft, seen);
    const stored = toStorage(served, draft, current);
    if (isUnchanged(stored, current)) return seen;
    if (resource.hasGeneration && hasNewSpec(stored, current))
      stored.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (request.dryRun === true) return seenThrough(served, stored);
    const written = isGone(resource, stored)
      ? this.#remove(served, stored, current)
      : this.store.update(resource, stored, current);
    return seenThrough(served, written);
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
    if (given === undefined) draft.metadata = { ...draft.metadata, namespace };
  }

  #checkProposed({ resource }: Served, place: Place, proposed: Draft, current: StoredObject): void {
    const { name, namespace, uid, resourceVersion } = proposed.metadata;
    if (name !== '' && name !== place.name)
      throw refuse.badRequest(
        `the name of the object (${name}) does not match the name on the URL (${place.name})`,
      );
    if (namespace !== undefined && namespace !== place.namespace)
      throw refuse.badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    if (uid !== undefined && uid !== current.metadata.uid)
      throw refuse.conflict(
        resource,
        place.name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
      );
    if (resourceVersion === undefined) {
      if (!resource.allowsUnconditionalUpdate) throw refuse.versionMissing(resource, place.name);
    } else if (resourceVersion !== current.metadata.resourceVersion)
      throw refuse.conflict(resource, place.name, refuse.OBJECT_HAS_MOVED_ON);
  }

  #checkPreconditions({ resource }: Served, { metadata }: StoredObject, request: DeleteRequest): void {
    const { uid, resourceVersion } = request.preconditions ?? {};
    if (uid !== undefined && uid !== metadata.uid)
      throw refuse.conflict(
        resource,
        metadata.name,
        `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      );
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
      throw refuse.conflict(
        resource,
        metadata.name,
        `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
      );
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

function copyOf(object: StoredObject): Draft {
  return { ...object, metadata: { ...object.metadata } };
}
