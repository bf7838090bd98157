import type { UserInfo } from './auth/user.ts';
import type { Served } from './resource.ts';
import type { Draft, StoredObject } from './stored-object.ts';

/** Asked before an object is created; throws KubeError to refuse it. */
export type CreateCheck = (served: Served, namespace: string, name: string) => void;

/** An object that is about to be created, or to replace `previous`; nothing is validated yet. */
export interface Write {
  readonly served: Served;
  readonly namespace: string;
  readonly draft: Draft;
  readonly previous: StoredObject | undefined;
  readonly asker: UserInfo;
}

/** Asked before an object is written; throws KubeError to refuse it. */
export type WriteCheck = (write: Write) => void;
