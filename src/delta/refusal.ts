import { type Refusal, refuse } from '../esp/refusal.ts';

/** Why a delta was not applied. Every one means: nothing was switched, take the full image. */
export type DeltaRefusalCode =
  /** The bytes do not start as a delta file does. */
  | 'bad-magic'
  /** The delta is for another base than the one that is there. */
  | 'wrong-base'
  /** An in-place or an hdiffpatch patch; only sequential patches are applied. */
  | 'unsupported-patch-type'
  /** LZMA, bzip2, Zstandard or LZ4: too large for a board's memory. */
  | 'unsupported-compression'
  /** The patch rewrites addresses of one instruction set (detools' data formats). */
  | 'unsupported-data-format'
  | 'malformed'
  /** A size or a window above what the receiver allows. */
  | 'too-large'
  /** The patch reads outside the base. */
  | 'past-base'
  | 'truncated'
  /** Bytes after the end of the patch. */
  | 'trailing'
  /** The receiver of the result did not take it. */
  | 'write-failed'
  /** The result is whole and is not what was asked for. */
  | 'wrong-result';

/** `offset` is how many bytes of the delta came before the chunk in which it went wrong. */
export type DeltaRefusal = Refusal<DeltaRefusalCode>;

export function refuseDelta(code: DeltaRefusalCode, offset: number, message: string): DeltaRefusal {
  return refuse(code, offset, message).refusal;
}
