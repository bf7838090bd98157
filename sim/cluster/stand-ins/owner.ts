import type { KubeApi } from '../../../src/kube/api.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { type Kind, type KubeObject, keyOf, type OwnerReference } from '../../../src/kube/object.ts';
import type { LabelSelector } from '../../../src/kube/workloads.ts';
import { fitsSelector } from '../label-selector.ts';

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** What an object says of the one that made it and looks after it. */
export function controlledBy({ apiVersion, kind, metadata: { name, uid } }: KubeObject): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/**
 * The objects of `kind` that are the owner's: its own whose labels still fit, and ownerless ones that
 * fit, which it takes in. Its own that no longer fit are let go. An owner that is going takes nobody in.
 * Source: Kubernetes documentation, "ReplicaSet", non-template Pod acquisitions.
 */
export async function claim<T extends KubeObject>(
  api: KubeApi,
  owner: KubeObject,
  selector: LabelSelector | undefined,
  kind: Kind<T>,
): Promise<readonly T[]> {
  const { namespace = '', uid, deletionTimestamp } = owner.metadata;
  const { items } = await api.list(kind, { namespace });
  const claimed: T[] = [];
  for (const item of items) {
    const controller = controllerOf(item);
    const fits = fitsSelector(selector, item.metadata.labels);
    if (controller?.uid === uid) {
      if (fits) claimed.push(item);
      else if (deletionTimestamp === undefined) await release(api, kind, item, uid);
    } else if (controller === undefined && fits && deletionTimestamp === undefined) {
      if (item.metadata.deletionTimestamp !== undefined) continue;
      const adopted = await adopt(api, kind, item, owner);
      if (adopted !== undefined) claimed.push(adopted);
    }
  }
  return claimed;
}

/** Undefined when somebody was faster. */
async function adopt<T extends KubeObject>(
  api: KubeApi,
  kind: Kind<T>,
  item: T,
  owner: KubeObject,
): Promise<T | undefined> {
  const { uid, resourceVersion, ownerReferences = [] } = item.metadata;
  const metadata = { uid, resourceVersion, ownerReferences: [...ownerReferences, controlledBy(owner)] };
  try {
    return await api.patch(kind, keyOf(item), { type: 'merge', body: { metadata } });
  } catch (error) {
    if (isKubeError(error, 'Conflict', 'NotFound')) return undefined;
    throw error;
  }
}

async function release<T extends KubeObject>(
  api: KubeApi,
  kind: Kind<T>,
  item: T,
  ownerUid: string,
): Promise<void> {
  const { uid, resourceVersion, ownerReferences = [] } = item.metadata;
  const left = ownerReferences.filter((owner) => owner.uid !== ownerUid);
  const metadata = { uid, resourceVersion, ownerReferences: left.length === 0 ? null : left };
  await api.patch(kind, keyOf(item), { type: 'merge', body: { metadata } }).catch(unlessGone);
}

/** Somebody was faster, which is fine. */
export function unlessGone(error: unknown): undefined {
  if (!isKubeError(error, 'NotFound', 'Conflict')) throw error;
  return undefined;
}
