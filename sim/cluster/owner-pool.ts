import type { OwnerReference } from '../../src/kube/object.ts';
import { equalJson } from './stored-object.ts';

/** Lets objects share what they say alike of their owners: one owner may have a hundred thousand dependents. */
export class OwnerPool {
  #latest: readonly OwnerReference[] | undefined;

  /** The references themselves, or equal ones that are stored already. */
  share(owners: readonly OwnerReference[]): readonly OwnerReference[] {
    if (!equalJson(owners, this.#latest)) this.#latest = owners;
    return this.#latest ?? owners;
  }
}
