import { KubeError } from '../../../src/kube/error.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import { openWatch } from '../open-watch.ts';
import type { Delivery, WatchRequest } from '../reads.ts';
import type { Served } from '../resource.ts';
import type { Members, StoredObject } from '../stored-object.ts';
import type { Shape } from './negotiation.ts';
import { failureBody } from './status-body.ts';
import { type Included, metadataOnly, tableBody } from './table-body.ts';

export interface StreamOptions {
  readonly shape: Shape;
  readonly included: Included;
  readonly timeoutSeconds: number | undefined;
}

/** Where a stream's lines go. */
export interface LineSink {
  write(line: string): void;
  end(): void;
  /** The connection breaks after these first characters of a line. */
  breakOff(half: string): void;
}

/**
 * Writes a watch as lines of JSON until it is stopped or its time is up, then ends it. A refusal that
 * comes too late for a status code is a line of type ERROR. Returns what stops it.
 */
export function streamWatch(
  cluster: EmbeddedCluster,
  served: Served,
  request: WatchRequest,
  options: StreamOptions,
  sink: LineSink,
): () => void {
  const { clock } = cluster.server;
  let withColumns = true;
  let ended = false;
  let stop = (): void => {};
  const end = (): void => {
    if (ended) return;
    ended = true;
    timer?.cancel();
    stop();
    sink.end();
  };
  const shaped = (object: StoredObject): unknown => {
    if (options.shape === 'metadata') return metadataOnly(object);
    if (options.shape !== 'table') return object;
    const unixMs = clock.epochMs + clock.nowMs;
    const { resourceVersion } = object.metadata;
    const body = tableBody(
      served,
      [object],
      { resourceVersion },
      { unixMs, included: options.included, withColumns },
    );
    withColumns = false;
    return body;
  };
  const fail = (error: KubeError): void => {
    sink.write(line('ERROR', failureBody(error)));
    end();
  };
  const lineOf = (delivery: Delivery): string =>
    delivery.type === 'BOOKMARK'
      ? line('BOOKMARK', bookmark(served, delivery, options.shape))
      : line(delivery.type, shaped(delivery.object));
  const timer =
    options.timeoutSeconds === undefined
      ? undefined
      : clock.after(options.timeoutSeconds * 1000, () => end());
  try {
    stop = openWatch(cluster.server, served, request, cluster.watchFaultOf(served, request.user), {
      deliver: (delivery) => sink.write(lineOf(delivery)),
      end,
      fail,
      breakOff: (delivery) => {
        const whole = lineOf(delivery);
        sink.breakOff(whole.slice(0, whole.length >> 1));
        ended = true;
        timer?.cancel();
      },
      // Not even the end of its time is heard.
      stall: () => timer?.cancel(),
    });
    if (ended) stop();
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    fail(error);
  }
  return end;
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** A place to go on from, in the shape of what is watched. */
function bookmark(
  { resource, apiVersion: version }: Served,
  { resourceVersion, endsInitialEvents }: Extract<Delivery, { type: 'BOOKMARK' }>,
  shape: Shape,
): Members {
  const isMetadata = shape === 'metadata';
  const kind = isMetadata ? 'PartialObjectMetadata' : resource.kind;
  const apiVersion = isMetadata ? 'meta.k8s.io/v1' : version;
  const untyped = resource.custom && !isMetadata;
  const listKind = isMetadata ? `${kind}List` : resource.listKind;
  const emptyList = untyped
    ? { apiVersion, items: [], kind: listKind }
    : { kind: listKind, apiVersion, metadata: {}, items: null };
  return {
    kind,
    apiVersion,
    metadata: {
      resourceVersion,
      ...(!untyped && { creationTimestamp: null }),
      ...(endsInitialEvents && { annotations: initialEventsEnd(emptyList) }),
    },
  };
}

/** Source: metav1, InitialEventsAnnotationKey; the second one shows clients of any shape what list they have read. */
function initialEventsEnd(emptyList: Members): Members {
  return {
    'k8s.io/initial-events-end': 'true',
    'kubernetes.io/initial-events-list-blueprint': Buffer.from(`${JSON.stringify(emptyList)}\n`).toString(
      'base64',
    ),
  };
}
