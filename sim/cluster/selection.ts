import type { Selection } from '../../src/kube/api.ts';
import type { Served } from './resource.ts';
import { parseFieldSelector, parseLabelSelector } from './selector.ts';
import * as refuse from './status-errors.ts';
import type { StoredObject } from './stored-object.ts';

/** True when an object is in the namespace and fits the selectors of a request. */
export type Filter = (object: StoredObject) => boolean;

/** Undefined when the request selects everything. Throws BadRequest on a malformed selector. */
export function filterOf(served: Served, options: Selection): Filter | undefined {
  const { namespace, labelSelector, fieldSelector } = options;
  const filters: Filter[] = [];
  if (namespace !== undefined) filters.push((object) => object.metadata.namespace === namespace);
  if (labelSelector) {
    const matches = parseLabelSelector(labelSelector);
    filters.push((object) => matches(object.metadata.labels));
  }
  if (fieldSelector) {
    const { selectableFields } = served.resource;
    const fieldsOf = (object: StoredObject): Record<string, string> => ({
      'metadata.name': object.metadata.name,
      'metadata.namespace': object.metadata.namespace ?? '',
      ...selectableFields?.(object),
    });
    const known = fieldsOf(EMPTY_OBJECT);
    const matches = parseFieldSelector(fieldSelector, (path) => {
      if (known[path] === undefined) throw refuse.notSelectable(served.resource, path);
    });
    filters.push((object) => matches(fieldsOf(object)));
  }
  if (filters.length <= 1) return filters[0];
  return (object) => filters.every((filter) => filter(object));
}

/** Throws BadRequest on selectors that a watch or list could not use. */
export function checkSelectors(
  served: Served,
  options: Pick<Selection, 'labelSelector' | 'fieldSelector'>,
): void {
  filterOf(served, options);
}

/** Shows a selector which fields the kind offers before there is any object. */
const EMPTY_OBJECT: StoredObject = {
  apiVersion: '',
  kind: '',
  metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
};
