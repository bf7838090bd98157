import type { KubeApi, Selection, WatchEvent } from '../../src/kube/api.ts';
import { isKubeError, type KubeError } from '../../src/kube/error.ts';
import { type Kind, type KubeObject, keyOf, keyText } from '../../src/kube/object.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { Backoff } from './backoff.ts';
import { type Listed, listPages } from './list-pages.ts';
import type { Metrics } from './metrics.ts';
import { compareVersions } from './resource-version.ts';
import { SilenceGuard } from './silence-guard.ts';

export interface ReflectorPorts {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

export interface ReflectorOptions {
  readonly scope: Selection;
  /** Objects per page of a list. */
  readonly pageSize: number;
  /** A watch that says nothing for this long, bookmarks included, is replaced. */
  readonly inactivityMs: number;
  /** About how often the copy is compared with a list. */
  readonly auditMs: number;
}

/** The copy that is kept true. */
export interface Reflected<T extends KubeObject> {
  get(key: string): T | undefined;
  /** One event of the watch. */
  change(key: string, object: T | undefined): void;
  /** Becomes what was listed; returns how many objects were different. */
  become(listed: ReadonlyMap<string, T>): number;
}

/** Why a new list is needed. */
type Gap =
  | 'first'
  /** The server has forgotten what came after the version seen last. */
  | 'expired'
  /** The server's versions are older than those seen: it has lost data. */
  | 'went-back'
  /** One watch after the other said nothing at all. */
  | 'silent';

/** A watch that lived this long counts as healthy: the next restart is quick again. */
const HEALTHY_WATCH_MS = 30_000;
/** Silent watches in a row after which the server's watches are not believed any more. */
const SILENT_WATCHES_MAX = 3;

/**
 * Keeps a copy of one kind true by list and watch, whatever the server does.
 *
 * A watch that ends, errs or falls silent is taken up again from the last version seen, which loses nothing.
 * Listed again is what the server has forgotten or lost. And now and then, as a safety net, a list is taken
 * beside the watch: when the watch has told everything up to the list's version, the copy must equal it. What
 * does not is an event that the watch should have told and did not: it is repaired and counted as
 * `informer:missed-event`, while differences after an announced gap count as `informer:gap-event`.
 */
export class Reflector<T extends KubeObject> {
  readonly #ports: ReflectorPorts;
  readonly #kind: Kind<T>;
  readonly #options: ReflectorOptions;
  readonly #copy: Reflected<T>;
  readonly #random: Random;
  readonly #backoff: Backoff;
  /** Up to here the copy is true. */
  #version = '0';
  #gap: Gap | undefined = 'first';
  #silences = 0;
  /** A list that the watch has not reached yet. */
  #audit: Listed<T> | undefined;
  #auditDueMs = 0;

  constructor(ports: ReflectorPorts, kind: Kind<T>, options: ReflectorOptions, copy: Reflected<T>) {
    this.#ports = ports;
    this.#kind = kind;
    this.#options = options;
    this.#copy = copy;
    this.#random = ports.random.split(`informer/${kind.plural}`);
    this.#backoff = new Backoff(this.#random, { firstMs: 500, maxMs: 30_000 });
  }

  /** Settles when `signal` aborts, never rejects. `onListed` is called after each list. */
  async run(signal: AbortSignal, onListed: () => void): Promise<void> {
    const { clock, metrics } = this.#ports;
    while (!signal.aborted) {
      const startedMs = clock.nowMs;
      let waitMs = 0;
      try {
        if (this.#gap !== undefined) {
          const listed = await this.#list();
          if (signal.aborted) return;
          this.#become(listed, this.#gap);
          onListed();
        } else await this.#askWhetherReached();
        if (signal.aborted) return;
        await this.#watch(signal);
        metrics.count('informer:watch-ended');
      } catch (error) {
        if (signal.aborted) return;
        metrics.count('informer:watch-failed');
        if (isKubeError(error)) waitMs = this.#learnFrom(error);
      }
      if (clock.nowMs - startedMs >= HEALTHY_WATCH_MS) this.#backoff.reset();
      await clock.sleep(Math.max(this.#backoff.nextMs(), waitMs), signal).catch(() => undefined);
    }
  }

  /** Returns how long the server wants to be left alone; spread, so that not all of its clients come back at once. */
  #learnFrom(error: KubeError): number {
    const { retryAfterSeconds = 0, causes = [] } = error.details;
    if (isKubeError(error, 'Expired', 'Gone')) this.#doubt('expired');
    else if (causes.some(({ reason }) => reason === 'ResourceVersionTooLarge')) this.#doubt('went-back');
    return retryAfterSeconds * 1000 * (1 + 0.2 * this.#random.next());
  }

  #doubt(gap: Gap): void {
    this.#ports.metrics.count(`informer:${gap}`);
    this.#gap = gap;
  }

  #list(): Promise<Listed<T>> {
    const { scope, pageSize } = this.#options;
    return listPages(this.#ports.kube, this.#kind, scope, pageSize);
  }

  /**
   * Rejects with Timeout when the server has not come to the version seen last, because it was restored from
   * older data. A watch from there would say nothing until the server is there again, and miss all before.
   */
  async #askWhetherReached(): Promise<void> {
    const { scope } = this.#options;
    await this.#ports.kube.list(this.#kind, { ...scope, limit: 1, notOlderThan: this.#version });
  }

  #become({ objects, version }: Listed<T>, gap: Gap): void {
    const { clock, metrics } = this.#ports;
    metrics.count('informer:listed');
    // Whatever else led here: what was lost shows in the list's version.
    if (gap !== 'went-back' && isOlder(version, this.#version)) metrics.count('informer:went-back');
    const different = this.#copy.become(objects);
    if (gap !== 'first' && different > 0)
      metrics.count(gap === 'silent' ? 'informer:missed-event' : 'informer:gap-event', different);
    this.#version = version;
    this.#gap = undefined;
    this.#audit = undefined;
    this.#silences = 0;
    this.#auditDueMs = clock.nowMs + this.#options.auditMs * (1 + 0.2 * this.#random.next());
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { kube, clock } = this.#ports;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end);
    const guard = new SilenceGuard(clock, this.#options.inactivityMs, () => {
      this.#onSilence();
      end();
    });
    try {
      const events = kube.watch(this.#kind, {
        ...this.#options.scope,
        resourceVersion: this.#version,
        allowWatchBookmarks: true,
        signal: ending.signal,
      });
      for await (const event of events) {
        if (ending.signal.aborted) return;
        this.#silences = 0;
        guard.heard();
        if (clock.nowMs >= this.#auditDueMs) {
          await this.#takeAudit();
          guard.heard();
        }
        if (ending.signal.aborted) return;
        if (this.#gap === undefined) this.#hear(event);
        if (this.#gap !== undefined) return;
      }
    } finally {
      guard.stop();
      signal.removeEventListener('abort', end);
      end();
    }
  }

  #onSilence(): void {
    this.#ports.metrics.count('informer:watch-silent');
    this.#silences++;
    if (this.#silences >= SILENT_WATCHES_MAX) this.#doubt('silent');
  }

  /** Events wait while the list is on its way: the watch must not pass it unseen. */
  async #takeAudit(): Promise<void> {
    const { clock, metrics } = this.#ports;
    const { auditMs } = this.#options;
    try {
      const listed = await this.#list();
      this.#auditDueMs = clock.nowMs + auditMs * (1 + 0.2 * this.#random.next());
      if (isOlder(listed.version, this.#version)) this.#doubt('went-back');
      else this.#audit = listed;
    } catch {
      metrics.count('informer:audit-failed');
      this.#auditDueMs = clock.nowMs + (auditMs / 10) * (1 + this.#random.next());
    }
  }

  #hear(event: WatchEvent<T>): void {
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (event.type !== 'BOOKMARK' && version === this.#version) {
      this.#ports.metrics.count('informer:duplicate');
      return;
    }
    if (isOlder(version, this.#version)) {
      if (event.type !== 'BOOKMARK' && this.#isKnown(event.object))
        this.#ports.metrics.count('informer:duplicate');
      else this.#doubt('went-back');
      return;
    }
    if (this.#audit !== undefined && isOlder(this.#audit.version, version)) this.#settleAudit(this.#audit);
    if (event.type !== 'BOOKMARK') {
      const { object } = event;
      this.#copy.change(keyText(keyOf(object)), event.type === 'DELETED' ? undefined : object);
    }
    this.#version = version;
    if (this.#audit?.version === version) this.#settleAudit(this.#audit);
  }

  /** Whether what an event says was said before. */
  #isKnown(object: T): boolean {
    const known = this.#copy.get(keyText(keyOf(object)))?.metadata;
    const { uid, resourceVersion } = object.metadata;
    return known?.uid === uid && !isOlder(known.resourceVersion, resourceVersion);
  }

  #settleAudit({ objects }: Listed<T>): void {
    this.#audit = undefined;
    const missed = this.#copy.become(objects);
    this.#ports.metrics.count('informer:audited');
    if (missed > 0) this.#ports.metrics.count('informer:missed-event', missed);
  }
}

function isOlder(left: string, right: string): boolean {
  return (compareVersions(left, right) ?? 0) < 0;
}
