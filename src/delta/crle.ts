import { type Decompressor, EMIT_BYTES_MAX, type Emit } from './decompressor.ts';
import { encodeUnsignedSize, SizeReader } from './size-field.ts';

/**
 * detools' conditional run-length encoding: segments of a kind, a size, and either `size` bytes as they
 * are or one byte to be repeated `size` times. Source: detools, compression/crle.py.
 */
const SCATTERED = 0;
const REPEATED = 1;
/** A shorter run costs more as a segment of its own than it saves. */
const RUN_MIN = 6;

type State = 'kind' | 'size' | 'scattered' | 'repeated';

export class CrleDecoder implements Decompressor {
  readonly #size = new SizeReader('unsigned');
  readonly #run = new Uint8Array(EMIT_BYTES_MAX);
  #state: State = 'kind';
  #kind = SCATTERED;
  #left = 0;

  get atEnd(): boolean {
    return this.#state === 'kind';
  }

  push(chunk: Uint8Array, emit: Emit): string | undefined {
    let offset = 0;
    while (offset < chunk.length) {
      const byte = chunk[offset] ?? 0;
      switch (this.#state) {
        case 'kind':
          if (byte !== SCATTERED && byte !== REPEATED)
            return `CRLE segment of kind ${byte}; only 0 (scattered) and 1 (repeated) exist`;
          this.#kind = byte;
          this.#state = 'size';
          offset++;
          break;
        case 'size': {
          offset++;
          const size = this.#size.push(byte);
          if (size === 'overflow') return 'CRLE segment of 2 GiB or more';
          if (size === undefined) break;
          this.#left = size;
          if (this.#kind === REPEATED) this.#state = 'repeated';
          else this.#state = size === 0 ? 'kind' : 'scattered';
          break;
        }
        case 'scattered': {
          const piece = chunk.subarray(offset, offset + Math.min(this.#left, EMIT_BYTES_MAX));
          this.#left -= piece.length;
          offset += piece.length;
          if (this.#left === 0) this.#state = 'kind';
          if (!emit(piece)) return undefined;
          break;
        }
        case 'repeated':
          offset++;
          this.#state = 'kind';
          this.#run.fill(byte);
          for (; this.#left > 0; this.#left -= Math.min(this.#left, EMIT_BYTES_MAX))
            if (!emit(this.#run.subarray(0, this.#left))) return undefined;
          break;
      }
    }
    return undefined;
  }
}

export function encodeCrle(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  const scatter = (to: number): void => {
    if (to === from) return;
    parts.push(Uint8Array.of(SCATTERED, ...encodeUnsignedSize(to - from)), data.subarray(from, to));
  };
  for (let at = 0; at < data.length; ) {
    let end = at + 1;
    while (end < data.length && data[end] === data[at]) end++;
    if (end - at >= RUN_MIN) {
      scatter(at);
      parts.push(Uint8Array.of(REPEATED, ...encodeUnsignedSize(end - at), data[at] ?? 0));
      from = end;
    }
    at = end;
  }
  scatter(data.length);
  return new Uint8Array(Buffer.concat(parts));
}
