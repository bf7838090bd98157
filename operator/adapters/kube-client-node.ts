import type { KubeConfig } from '@kubernetes/client-node';
import type {
  DeleteOptions,
  KubeApi,
  KubeList,
  ListOptions,
  PatchKind,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../src/kube/api.ts';
import { NAMESPACE, type Namespace } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import type { Kind, KubeObject, NewObject, ObjectKey } from '../../src/kube/object.ts';
import { connect, type KubeConnection } from './kube-connection.ts';
import { discoverKinds } from './kube-discovery.ts';
import { refusalOf } from './kube-refusal.ts';
import { KubeTransport, unreachable } from './kube-transport.ts';
import { jsonLines } from './kube-watch-lines.ts';

/** How long one answer may take. */
const ANSWER_TIME_MS_MAX = 30_000;
/** The server ends a watch after this long; a connection that died in silence is noticed soon after. */
const WATCH_TIME_S = 290;
const WATCH_GRACE_MS = 30_000;

const PATCH_TYPES: Readonly<Record<PatchKind, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** The field manager of writes that name none. */
const FIELD_MANAGER = 'brickproof';

/** KubeApi to a real API server, or to anything that speaks like one. */
export class ClientNodeKubeApi implements KubeApi {
  readonly #transport: KubeTransport;

  constructor(config: KubeConfig) {
    this.#transport = new KubeTransport(config);
  }

  /** Throws KubeConnectionError when there is nothing to connect to; no request is sent yet. */
  static connect(connection: KubeConnection): ClientNodeKubeApi {
    return new ClientNodeKubeApi(connect(connection));
  }

  async get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return (await this.#json('GET', objectPath(kind, key))) as T;
  }

  async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, notOlderThan, ...rest } = options;
    const query = {
      ...rest,
      ...(notOlderThan && { resourceVersion: notOlderThan, resourceVersionMatch: 'NotOlderThan' }),
    };
    const answer = (await this.#json('GET', collectionPath(kind, namespace), query)) as ListBody<T>;
    const { resourceVersion, continue: token } = answer.metadata;
    // Servers leave these out of the items of built-in kinds.
    const { apiVersion, kind: name } = kind;
    const items = (answer.items ?? []).map((item) => ({ ...item, apiVersion, kind: name }));
    return { items, resourceVersion, ...(token && { continue: token }) };
  }

  async *watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { signal, namespace, ...selection } = options;
    if (signal.aborted) return;
    const stalled = AbortSignal.timeout(WATCH_TIME_S * 1000 + WATCH_GRACE_MS);
    const query = { ...selection, watch: true, timeoutSeconds: WATCH_TIME_S };
    try {
      const path = collectionPath(kind, namespace);
      const response = await this.#transport.send({
        method: 'GET',
        path,
        query,
        signal: AbortSignal.any([signal, stalled]),
      });
      const stream = response.body.stream();
      if (stream === null) return;
      for await (const line of jsonLines(stream)) {
        if (signal.aborted) return;
        yield eventOf<T>(line as WatchLine);
      }
    } catch (error) {
      if (!signal.aborted) throw unreachable(error);
    }
  }

  async create<T extends KubeObject>(
    kind: Kind<T>,
    object: NewObject<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = object.metadata;
    if (kind.namespaced && namespace === undefined) throw namespaceMissing(kind);
    const path =
      kind.subresource === undefined
        ? collectionPath(kind, namespace)
        : objectPath(kind, { name: '', ...object.metadata });
    return (await this.#json('POST', path, writeQuery(options), object)) as T;
  }

  async replace<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(kind, object.metadata, options.subresource);
    return (await this.#json('PUT', path, writeQuery(options), object)) as T;
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options: WriteOptions = {},
  ): Promise<T> {
    const path = objectPath(kind, key, options.subresource);
    const force = patch.type === 'apply' ? { force: options.force === true } : {};
    const query = { ...writeQuery(options), ...force };
    return (await this.#json('PATCH', path, query, patch.body, PATCH_TYPES[patch.type])) as T;
  }

  async delete<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
    await this.#json('DELETE', objectPath(kind, key), {}, body);
  }

  async deleteCollection(kind: Kind, selection: ListOptions, options: DeleteOptions = {}): Promise<void> {
    const { namespace, ...query } = selection;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
    await this.#json('DELETE', collectionPath(kind, namespace), query, body);
  }

  /** What the server says of itself, for example `v1.32.4`. */
  async version(): Promise<ServerVersion> {
    return (await this.#json('GET', '/version')) as ServerVersion;
  }

  /** Every kind that `deleteCollection` takes. */
  kinds(): Promise<Kind[]> {
    return discoverKinds((path) => this.#json('GET', path));
  }

  /** The namespace controller's last word on an emptied namespace that is being deleted. Source: core/v1, subresource finalize. */
  async finalizeNamespace(namespace: Namespace): Promise<void> {
    const path = `${objectPath(NAMESPACE, namespace.metadata)}/finalize`;
    await this.#json('PUT', path, {}, { ...namespace, spec: { finalizers: [] } });
  }

  #json(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    query: Readonly<Record<string, string | number | boolean | undefined>> = {},
    body?: unknown,
    contentType?: string,
  ): Promise<unknown> {
    const signal = AbortSignal.timeout(ANSWER_TIME_MS_MAX);
    return this.#transport.json({ method, path, query, signal, body, ...(contentType && { contentType }) });
  }
}

/** Source: version.Info of apimachinery; `major` and `minor` are digits, and a `+` after them in some distributions. */
export interface ServerVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

interface ListBody<T> {
  readonly items?: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

interface WatchLine {
  readonly type: string;
  readonly object: KubeObject & { readonly code?: number };
}

function eventOf<T extends KubeObject>({ type, object }: WatchLine): WatchEvent<T> {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as KubeObject as T };
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata.resourceVersion };
    default:
      throw refusalOf(object.code ?? 500, object);
  }
}

function writeQuery({ fieldManager = FIELD_MANAGER }: WriteOptions): { readonly fieldManager: string } {
  return { fieldManager };
}

function collectionPath({ apiVersion, plural, namespaced }: Kind, namespace: string | undefined): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${plural}`;
}

/** Throws BadRequest: a path without a name would mean the whole collection. */
function objectPath(kind: Kind, { namespace, name }: ObjectKey, subresource = kind.subresource): string {
  if (name === '') throw new KubeError('BadRequest', 'resource name may not be empty');
  if (kind.namespaced && (namespace === undefined || namespace === '')) throw namespaceMissing(kind);
  const path = `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function namespaceMissing({ kind }: Kind): KubeError {
  return new KubeError('BadRequest', `an object of kind ${kind} needs a namespace`);
}
