import type { Kind, KubeObject, NewObject, ObjectKey } from './object.ts';

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** Kubernetes selector syntax: `a=b,c!=d,e in (f,g),!h`. */
  readonly labelSelector?: string;
  /** `metadata.name` and `metadata.namespace`, plus what the kind offers. */
  readonly fieldSelector?: string;
  /** Page size; absent: everything in one answer. */
  readonly limit?: number;
  readonly continue?: string;
  /** The list is of this version or of a newer one; `Timeout`, cause `ResourceVersionTooLarge`, where none is. */
  readonly notOlderThan?: string;
}

/** What of a kind is meant, whenever it is read. */
export type Selection = Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>;

export interface KubeList<T extends KubeObject> {
  /** Sorted by namespace, then name. */
  readonly items: readonly T[];
  /** A watch from here misses nothing after this list. */
  readonly resourceVersion: string;
  /** Present when there are more pages. */
  readonly continue?: string;
}

export interface WatchOptions extends Selection {
  /**
   * Events after this version. Absent or empty: the present objects first, as ADDED. Of a version that is yet to
   * come, a server says nothing until it is there: whoever resumes a watch must ask (`notOlderThan`) whether it is.
   */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  /** Ends the iteration quietly. */
  readonly signal: AbortSignal;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Only `metadata.resourceVersion` means anything. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export type PatchKind = 'merge' | 'json' | 'apply';

export interface WriteOptions {
  readonly fieldManager?: string;
  /** Only with `apply`: take over fields that others own. */
  readonly force?: boolean;
  readonly subresource?: 'status' | 'scale';
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Pods only: seconds they have to stop; 0 removes them at once, which is the kubelet's word. Absent: as the Pod says. */
  readonly gracePeriodSeconds?: number;
}

/**
 * The door to a Kubernetes API server, embedded or real; no more than the server itself promises.
 *
 * - Every method rejects with KubeError and with nothing else.
 * - Objects that come back are read-only and may be shared: copy before changing.
 * - A write that carries `metadata.resourceVersion` fails with `Conflict` when the object has moved on.
 * - `watch` yields events in the server's order without gaps until it ends or throws; it may end at any
 *   time without a reason, and throws `Expired` when its version is too old. Whoever watches must be
 *   ready to list again (operator/runtime/informer.ts is).
 */
export interface KubeApi {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<KubeList<T>>;
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(kind: Kind<T>, object: NewObject<T>, options?: WriteOptions): Promise<T>;
  /** PUT of the whole object; with `subresource: 'status'` only the status is taken. */
  replace<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  /** `merge`: RFC 7396 object; `json`: RFC 6902 array; `apply`: a partial object with `apiVersion` and `kind`. */
  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options?: WriteOptions,
  ): Promise<T>;
  /** Settles when the request is accepted; an object with finalizers stays, marked, until they are gone. */
  delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Deletes what a list with these options would show; of one namespace, or of all that the kind has. */
  deleteCollection(kind: Kind, selection: ListOptions, options?: DeleteOptions): Promise<void>;
}
