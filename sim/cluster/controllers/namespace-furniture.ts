import type { ApiServer } from '../api-server.ts';
import type { Change } from '../change-history.ts';
import { INSTALLER } from '../requests.ts';
import { type Resource, storageView } from '../resource.ts';
import type { Members } from '../stored-object.ts';
import type { Table } from '../table.ts';

/** What every namespace has, and gets again when somebody deletes it. */
interface Piece {
  readonly resource: Resource;
  readonly object: Members & { readonly metadata: Members & { readonly name: string } };
}

/**
 * Puts into every namespace its `default` ServiceAccount, and, where the server has TLS, the authority that vouches for it.
 * Source: kube-controller-manager, pkg/controller/serviceaccount and pkg/controller/certificates/rootcacertpublisher.
 */
export class NamespaceFurniture {
  readonly #server: ApiServer;
  readonly #namespaces: Resource;
  readonly #pieces: readonly Piece[];
  #scheduled = false;

  /** `authority` is PEM. */
  constructor(server: ApiServer, authority: string | undefined) {
    this.#server = server;
    const kindOf = (plural: string): Resource => {
      const found = server.catalog.find('', plural);
      if (found === undefined) throw new Error(`${plural} are a core kind`);
      return found;
    };
    this.#namespaces = kindOf('namespaces');
    this.#pieces = [
      { resource: kindOf('serviceaccounts'), object: { metadata: { name: 'default' } } },
      ...(authority === undefined
        ? []
        : [{ resource: kindOf('configmaps'), object: rootAuthority(authority) }]),
    ];
    server.store.observe((change, table) => this.#learn(change, table));
  }

  #learn({ type, object }: Change, { resource }: Table): void {
    const isMissing =
      type === 'DELETED' && this.#pieces.some((one) => one.resource === resource && isFor(one, object));
    if (isMissing || (type === 'ADDED' && resource === this.#namespaces)) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#server.clock.after(0, () => this.furnish());
  }

  /** Brings what is missing anywhere. */
  furnish(): void {
    this.#scheduled = false;
    for (const { metadata } of this.#server.store.table(this.#namespaces).list('')) {
      if (metadata.deletionTimestamp !== undefined) continue;
      for (const { resource, object } of this.#pieces)
        if (this.#server.store.table(resource).get(metadata.name, object.metadata.name) === undefined)
          this.#server.create(storageView(resource), metadata.name, object, { user: INSTALLER });
    }
  }
}

function isFor({ object }: Piece, { metadata }: Change['object']): boolean {
  return object.metadata.name === metadata.name;
}

function rootAuthority(authority: string): Piece['object'] {
  const description = 'The authority to verify this API server by, from inside the cluster.';
  return {
    metadata: { name: 'kube-root-ca.crt', annotations: { 'kubernetes.io/description': description } },
    data: { 'ca.crt': authority },
  };
}
