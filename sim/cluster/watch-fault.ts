import type { KubeError } from '../../src/kube/error.ts';
import type { Kind } from '../../src/kube/object.ts';
import type { Delivery } from './reads.ts';

/** What befalls one delivery of a watch. */
export type WatchFault =
  /** It never arrives; the watch goes on. */
  | { readonly kind: 'withheld' }
  | { readonly kind: 'duplicated' }
  /** It comes later, and everything after it behind it: a stream keeps its order. */
  | { readonly kind: 'delayed'; readonly byMs: number }
  /** The watch ends before it, without a reason. */
  | { readonly kind: 'dropped' }
  /** The connection breaks in the middle of its line. */
  | { readonly kind: 'cut' }
  /** Neither it nor anything after it arrives, and nobody hangs up. */
  | { readonly kind: 'stalled' }
  /** The server ends the watch with an error instead of it. */
  | { readonly kind: 'refused'; readonly error: KubeError };

/** Looks at each delivery of each watch; undefined lets it through. */
export type WatchIntercept = (kind: Kind, delivery: Delivery, user: string) => WatchFault | undefined;
