import { KubeError } from '../../../src/kube/error.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import { type Delivery, type WatchRequest, watch } from '../reads.ts';
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
  const write = (type: string, object: unknown): void => sink.write(`${JSON.stringify({ type, object })}\n`);
  const deliver = (delivery: Delivery): void => {
    if (delivery.type === 'BOOKMARK') write('BOOKMARK', bookmark(served, delivery.resourceVersion));
    else write(delivery.type, shaped(delivery.object));
  };
  const timer =
    options.timeoutSeconds === undefined
      ? undefined
      : clock.after(options.timeoutSeconds * 1000, () => end());
  try {
    stop = watch(cluster.server, served, request, deliver, end);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    write('ERROR', failureBody(error));
    end();
  }
  if (request.sendInitialEvents === true && request.allowWatchBookmarks === true) {
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    write('BOOKMARK', bookmark(served, String(cluster.server.store.version), annotations));
  }
  return end;
}

function bookmark(served: Served, resourceVersion: string, annotations?: Members): Members {
  return {
    kind: served.resource.kind,
    apiVersion: served.apiVersion,
    metadata: { resourceVersion, creationTimestamp: null, ...(annotations && { annotations }) },
  };
}
