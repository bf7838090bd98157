import type { ApiServer } from '../api-server.ts';
import type { Change } from '../change-history.ts';
import { type Resource, type Served, storageView } from '../resource.ts';
import * as refuse from '../status-errors.ts';
import type { Table } from '../table.ts';

const USER = 'system:serviceaccount:kube-system:namespace-controller';

/** Lets nothing into a namespace that is not there or is going, and empties the ones that go. */
export class NamespaceLifecycle {
  readonly #server: ApiServer;
  readonly #namespaces: Resource;
  readonly #leaving = new Set<string>();
  #scheduled = false;

  constructor(server: ApiServer, namespaces: Resource) {
    this.#server = server;
    this.#namespaces = namespaces;
    server.store.observe((change, table) => this.#learn(change, table));
    server.addCheck((served, namespace, name) => this.#admit(served, namespace, name));
  }

  #admit({ resource }: Served, namespace: string, name: string): void {
    if (!resource.namespaced) return;
    const found = this.#server.store.table(this.#namespaces).get('', namespace);
    if (found === undefined) throw refuse.notFound(this.#namespaces, namespace);
    if (found.metadata.deletionTimestamp !== undefined)
      throw refuse.forbidden(
        resource,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
  }

  #learn({ type, object }: Change, { resource }: Table): void {
    const { name, namespace, deletionTimestamp } = object.metadata;
    if (resource === this.#namespaces) {
      if (type === 'DELETED') this.#leaving.delete(name);
      else if (deletionTimestamp !== undefined && !this.#leaving.has(name)) {
        this.#leaving.add(name);
        this.#schedule();
      }
    } else if (type === 'DELETED' && namespace !== undefined && this.#leaving.has(namespace))
      this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#server.clock.after(0, () => this.#work());
  }

  #work(): void {
    this.#scheduled = false;
    for (const namespace of [...this.#leaving]) {
      let left = 0;
      for (const table of this.#server.store.tables()) left += this.#empty(table, namespace);
      if (left === 0) this.#finalize(namespace);
    }
  }

  /** Asks every object of one kind to go; returns how many are still there. */
  #empty(table: Table, namespace: string): number {
    if (!table.resource.namespaced) return 0;
    const view = storageView(table.resource);
    for (const { metadata } of table.list(namespace))
      if (metadata.deletionTimestamp === undefined)
        this.#server.delete(
          view,
          { namespace, name: metadata.name },
          { user: USER, propagationPolicy: 'Background' },
        );
    return table.list(namespace).length;
  }

  #finalize(name: string): void {
    const body = { spec: { finalizers: null } };
    const view = storageView(this.#namespaces);
    this.#server.patch(view, { namespace: '', name }, { type: 'merge', body }, { user: USER });
  }
}
