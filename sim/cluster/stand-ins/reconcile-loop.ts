import type { KubeApi } from '../../../src/kube/api.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { type Kind, type KubeObject, keyOf, keyText, type ObjectKey } from '../../../src/kube/object.ts';
import type { Clock, Timer } from '../../../src/time/clock.ts';
import { followObjects } from './object-feed.ts';
import { controllerOf } from './owner.ts';

/** Time before an object is looked at again whose server refused something. */
const RETRY_DELAY_MS = 1000;

/** What a controller stand-in works with: any API server, and its clock. */
export interface ControllerHost {
  readonly api: KubeApi;
  readonly clock: Clock;
}

/** A controller of one kind, without its loop. */
export interface Reconciler<T extends KubeObject> {
  readonly kind: Kind<T>;
  /** Kinds of objects that name one of `kind` as their controller. */
  readonly owned: readonly Kind[];
  /** Takes in objects without a controller, so such a change concerns every object of its namespace. */
  readonly adopts: boolean;
  /** Kinds whose every change concerns every object. */
  readonly around?: readonly Kind[];
  /**
   * Makes the world a step more like `object` wants it, from what is true now; run again until nothing
   * changes. Returns when to look again though nothing has changed, in milliseconds.
   */
  reconcile(object: T): Promise<number | undefined>;
}

/**
 * Runs a controller until `signal` is aborted: one object at a time, in the order in which something
 * happened to them. Rejects when the controller throws anything but a KubeError: a bug.
 */
export function runReconciler<T extends KubeObject>(
  reconciler: Reconciler<T>,
  host: ControllerHost,
  signal: AbortSignal,
): Promise<void> {
  return new ReconcileLoop(reconciler, host, signal).run();
}

class ReconcileLoop<T extends KubeObject> {
  readonly #reconciler: Reconciler<T>;
  readonly #host: ControllerHost;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, ObjectKey>();
  readonly #queue = new Map<string, ObjectKey>();
  readonly #timers = new Map<string, Timer>();
  readonly #bug = Promise.withResolvers<never>();
  #working = false;

  constructor(reconciler: Reconciler<T>, host: ControllerHost, signal: AbortSignal) {
    this.#reconciler = reconciler;
    this.#host = host;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { kind, owned, around = [] } = this.#reconciler;
    const follow = <O extends KubeObject>(of: Kind<O>, heard: (object: O, gone: boolean) => void) =>
      followObjects(this.#host.api, of, {}, this.#host.clock, this.#signal, {
        present: (object) => heard(object, false),
        gone: (object) => heard(object, true),
      });
    const feeds = [
      follow(kind, (object, gone) => this.#learn(object, gone)),
      ...owned.map((each) => follow(each, (object) => this.#lookThrough(object))),
      ...around.map((each) => follow(each, () => this.#lookAtAll())),
    ];
    await Promise.race([this.#bug.promise, Promise.all(feeds)]);
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #learn(object: T, gone: boolean): void {
    const key = keyOf(object);
    const text = keyText(key);
    if (gone) {
      this.#known.delete(text);
      this.#timers.get(text)?.cancel();
    } else {
      this.#known.set(text, key);
      this.#look(key);
    }
  }

  #lookThrough(object: KubeObject): void {
    const { namespace } = object.metadata;
    const owner = controllerOf(object);
    if (owner === undefined) {
      if (this.#reconciler.adopts) this.#lookAtAll(namespace);
    } else if (owner.kind === this.#reconciler.kind.kind)
      this.#look({ name: owner.name, ...(namespace !== undefined && { namespace }) });
  }

  #lookAtAll(namespace?: string): void {
    for (const key of this.#known.values())
      if (namespace === undefined || key.namespace === namespace) this.#look(key);
  }

  #look(key: ObjectKey): void {
    this.#queue.set(keyText(key), key);
    if (this.#working || this.#signal.aborted) return;
    this.#working = true;
    this.#work().catch((error: unknown) => this.#bug.reject(error));
  }

  async #work(): Promise<void> {
    for (const [text, key] of this.#queue) {
      if (this.#signal.aborted) return;
      this.#queue.delete(text);
      const delayMs = await this.#reconcile(key);
      this.#timers.get(text)?.cancel();
      this.#timers.delete(text);
      if (delayMs === undefined) continue;
      this.#timers.set(
        text,
        this.#host.clock.after(Math.max(0, delayMs), () => this.#look(key)),
      );
    }
    // In the same step as the last look at the queue, so that nothing is put into it unseen.
    this.#working = false;
  }

  async #reconcile(key: ObjectKey): Promise<number | undefined> {
    try {
      return await this.#reconciler.reconcile(await this.#host.api.get(this.#reconciler.kind, key));
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return error.reason === 'NotFound' ? undefined : RETRY_DELAY_MS;
    }
  }
}
