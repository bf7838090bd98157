import type {
  DeleteOptions,
  KubeApi,
  KubeList,
  ListOptions,
  PatchKind,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../../src/kube/api.ts';
import type { Kind, KubeObject, NewObject, ObjectKey } from '../../../src/kube/object.ts';
import { WorldError } from '../../../src/scenario/world.ts';

/** What stories call their namespace. */
const TOLD = 'default';

/**
 * A cluster of which only one namespace is ours, told as a story tells it: that namespace is called
 * `default`, and there is no other.
 *
 * Rejects with WorldError `unsupported` what would reach beyond: another namespace, or a write to
 * an object that no namespace holds.
 */
export class NamespaceAlias implements KubeApi {
  readonly #kube: KubeApi;
  readonly #namespace: string;

  constructor(kube: KubeApi, namespace: string) {
    this.#kube = kube;
    this.#namespace = namespace;
  }

  async get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#told(await this.#kube.get(kind, this.#true(kind, key)));
  }

  async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const list = await this.#kube.list(kind, { ...options, ...this.#scope(kind, options) });
    return { ...list, items: list.items.map((item) => this.#told(item)) };
  }

  async *watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const scoped = { ...options, ...this.#scope(kind, options) };
    for await (const event of this.#kube.watch(kind, scoped))
      yield event.type === 'BOOKMARK' ? event : { type: event.type, object: this.#told(event.object) };
  }

  async create<T extends KubeObject>(
    kind: Kind<T>,
    object: NewObject<T>,
    options?: WriteOptions,
  ): Promise<T> {
    const metadata = this.#writable(kind, object.metadata);
    return this.#told(await this.#kube.create(kind, { ...object, metadata }, options));
  }

  async replace<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T> {
    const metadata = this.#writable(kind, object.metadata);
    return this.#told(await this.#kube.replace(kind, { ...object, metadata }, options));
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options?: WriteOptions,
  ): Promise<T> {
    const place = this.#writable(kind, key);
    return this.#told(await this.#kube.patch(kind, place, this.#truePatch(patch), options));
  }

  async delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<void> {
    await this.#kube.delete(kind, this.#writable(kind, key), options);
  }

  async deleteCollection(kind: Kind, selection: ListOptions, options?: DeleteOptions): Promise<void> {
    const { namespace } = this.#writable(kind, selection);
    await this.#kube.deleteCollection(kind, { ...selection, namespace }, options);
  }

  #scope(kind: Kind, { namespace }: { readonly namespace?: string }): { namespace?: string } {
    if (!kind.namespaced) return {};
    return { namespace: this.#true(kind, { name: '', namespace: namespace ?? TOLD }).namespace };
  }

  #true<K extends { readonly namespace?: string }>(kind: Kind, key: K): K & { namespace: string } {
    const { namespace = kind.namespaced ? TOLD : '' } = key;
    if (kind.namespaced && namespace !== TOLD)
      throw new WorldError(
        'unsupported',
        `namespace ${namespace}: in a cluster that is not its own a run has one namespace, called ${TOLD}`,
      );
    return { ...key, namespace: this.#namespace };
  }

  #writable<K extends { readonly namespace?: string }>(kind: Kind, key: K): K & { namespace: string } {
    if (!kind.namespaced)
      throw new WorldError(
        'unsupported',
        `a ${kind.kind} belongs to the whole cluster: a run writes none in a cluster that is not its own`,
      );
    return this.#true(kind, key);
  }

  /** A merge may name the object it is for, as an applied manifest does. */
  #truePatch(patch: { readonly type: PatchKind; readonly body: unknown }): {
    readonly type: PatchKind;
    readonly body: unknown;
  } {
    const { metadata } = (patch.body ?? {}) as { readonly metadata?: { readonly namespace?: string } };
    if (patch.type === 'json' || metadata?.namespace !== TOLD) return patch;
    const body = { ...(patch.body as object), metadata: { ...metadata, namespace: this.#namespace } };
    return { type: patch.type, body };
  }

  #told<T extends KubeObject>(object: T): T {
    if (object.metadata.namespace !== this.#namespace) return object;
    return { ...object, metadata: { ...object.metadata, namespace: TOLD } };
  }
}
