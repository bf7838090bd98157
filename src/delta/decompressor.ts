/** Receives decompressed bytes, which are valid during the call only; false stops the decompressor. */
export type Emit = (bytes: Uint8Array) => boolean;

/** Decompresses a stream that arrives in chunks, in memory that does not depend on the stream. */
export interface Decompressor {
  /** What was wrong with the stream, or undefined; also undefined when `emit` said to stop. */
  push(chunk: Uint8Array, emit: Emit): string | undefined;
  /** Whether the stream may end here. */
  readonly atEnd: boolean;
}

/** Most bytes that a decompressor hands out at once. */
export const EMIT_BYTES_MAX = 512;

/** No compression. */
export class PlainReader implements Decompressor {
  readonly atEnd = true;

  push(chunk: Uint8Array, emit: Emit): undefined {
    for (let offset = 0; offset < chunk.length; offset += EMIT_BYTES_MAX)
      if (!emit(chunk.subarray(offset, offset + EMIT_BYTES_MAX))) return;
  }
}
