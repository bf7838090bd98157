import { recordOf, recordsOf } from '../../../src/kube/json-record.ts';
import type { ApiServer } from '../api-server.ts';
import type { Change } from '../change-history.ts';
import { customResource } from '../kinds/custom-resource.ts';
import { CLEANUP_FINALIZER } from '../kinds/custom-resource-definition.ts';
import { isEstablished } from '../kinds/definition-complaints.ts';
import { type Resource, type Served, storageView } from '../resource.ts';
import * as refuse from '../status-errors.ts';
import type { StoredObject } from '../stored-object.ts';
import type { Table } from '../table.ts';

const USER = 'system:apiserver';

/**
 * Serves what CustomResourceDefinitions define, from the moment they are stored, and clears up behind
 * them: a definition that is being deleted takes its objects with it before it goes.
 */
export class CustomKinds {
  readonly #server: ApiServer;
  readonly #definitions: Resource;
  readonly #served = new Map<string, Resource>();
  readonly #leaving = new Set<Resource>();
  #scheduled = false;

  constructor(server: ApiServer, definitions: Resource) {
    this.#server = server;
    this.#definitions = definitions;
    server.store.observe((change, table) => this.#learn(change, table));
    server.addCheck((served, _namespace, name) => this.#refuseIfLeaving(served, name));
  }

  #learn(change: Change, table: Table): void {
    if (table.resource === this.#definitions) this.#define(change);
    else if (change.type === 'DELETED' && this.#leaving.has(table.resource)) this.#schedule();
  }

  #define({ type, object, previous }: Change): void {
    const { name, deletionTimestamp } = object.metadata;
    const old = this.#served.get(name);
    if (type === 'DELETED') {
      if (old !== undefined) this.#withdraw(name, old);
      this.#schedule();
      return;
    }
    const isNew =
      previous === undefined || object.spec !== previous.spec || object.status !== previous.status;
    if (isNew && isEstablished(object)) this.#serve(name, old, object);
    if (deletionTimestamp === undefined) return;
    const resource = this.#served.get(name);
    if (resource !== undefined) this.#leaving.add(resource);
    this.#schedule();
  }

  #serve(name: string, old: Resource | undefined, definition: StoredObject): void {
    const resource = customResource(definition, []);
    if (resource === undefined) throw new Error(`${name} was stored although it cannot be served`);
    this.#server.catalog.add(resource);
    this.#served.set(name, resource);
    if (old !== undefined) this.#server.store.redefine(old, resource);
  }

  #withdraw(name: string, resource: Resource): void {
    this.#server.catalog.remove(resource);
    this.#server.store.drop(resource);
    this.#served.delete(name);
    this.#leaving.delete(resource);
  }

  #refuseIfLeaving({ resource }: Served, name: string): void {
    if (this.#leaving.has(resource))
      throw refuse.methodNotAllowed(
        resource,
        `create of ${JSON.stringify(name)} while the definition is being deleted`,
      );
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#server.clock.after(0, () => this.#work());
  }

  #work(): void {
    this.#scheduled = false;
    for (const resource of [...this.#leaving]) {
      const view = storageView(resource);
      const table = this.#server.store.table(resource);
      for (const { metadata } of table.list()) {
        const place = { namespace: metadata.namespace ?? '', name: metadata.name };
        if (metadata.deletionTimestamp === undefined) this.#server.delete(view, place, { user: USER });
      }
      if (table.count === 0) this.#release(`${resource.plural}.${resource.group}`);
    }
    for (const definition of this.#server.store.table(this.#definitions).list()) this.#reconsider(definition);
  }

  /** A definition that waits for a name may have it now; one that never had it may go without more ado. */
  #reconsider({ metadata, status }: StoredObject): void {
    const { name, deletionTimestamp } = metadata;
    if (deletionTimestamp !== undefined && !this.#served.has(name)) this.#release(name);
    else if (!namesAccepted(status)) {
      const view = storageView(this.#definitions);
      this.#server.patch(view, { namespace: '', name }, { type: 'merge', body: {} }, { user: USER });
    }
  }

  #release(name: string): void {
    const view = storageView(this.#definitions);
    const place = { namespace: '', name };
    const { finalizers = [] } = this.#server.get(view, place).metadata;
    if (!finalizers.includes(CLEANUP_FINALIZER)) return;
    const left = finalizers.filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
    const body = { metadata: { finalizers: left } };
    this.#server.patch(view, place, { type: 'merge', body }, { user: USER });
  }
}

function namesAccepted(status: unknown): boolean {
  const conditions = recordsOf(recordOf(status).conditions);
  return conditions.some((one) => one.type === 'NamesAccepted' && one.status === 'True');
}
