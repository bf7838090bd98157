import type { ApiServer } from './api-server.ts';
import { DisturbedStream, type StreamSink } from './disturbed-stream.ts';
import { type Delivery, type WatchRequest, watch } from './reads.ts';
import type { Served } from './resource.ts';
import type { WatchFault } from './watch-fault.ts';

export type WatchSink = StreamSink<Delivery>;

/**
 * A watch as its client gets it: what the server delivers, and what befalls it on the way. Both doors
 * open their watches here.
 *
 * Returns what closes it. Throws KubeError as `watch` does; may have ended when it returns.
 */
export function openWatch(
  server: ApiServer,
  served: Served,
  request: WatchRequest,
  faultOf: ((delivery: Delivery) => WatchFault | undefined) | undefined,
  sink: WatchSink,
): () => void {
  const stream = new DisturbedStream(server.clock, faultOf, sink);
  const receive = (delivery: Delivery): void => stream.receive(delivery);
  stream.attach(watch(server, served, request, receive, () => stream.end()));
  return stream.close;
}
