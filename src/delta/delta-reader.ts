import { createHash } from 'node:crypto';
import { bytesEqual } from '../esp/byte-fields.ts';
import { DELTA_HEADER_BYTES, parseDeltaHeader } from './delta-file.ts';
import type { PatchPorts } from './patch-machine.ts';
import { type PatchLimits, PatchReader } from './patch-reader.ts';
import { type DeltaRefusal, refuseDelta } from './refusal.ts';

/** What a board knows before the first byte of a delta arrives. */
export interface DeltaExpectation {
  /** Of what is in the running slot; see DeltaBase. */
  readonly baseValidationHash: Uint8Array;
  /** SHA-256 of the whole result, signature sector included; 32 bytes. */
  readonly targetSha256: Uint8Array;
  /** Size of the result, in bytes. */
  readonly targetBytes: number;
  /** See PatchLimits. */
  readonly windowBitsMax?: number;
}

/**
 * Applies a delta file to the base while it arrives, and proves the result.
 *
 * Nothing is written before the header has said that the delta is for this very base, and nothing may be
 * booted before `finish` returned undefined. Any refusal means: drop what was written, take the full image.
 * Memory: as PatchReader, and 64 bytes of header.
 */
export class DeltaReader {
  readonly #expected: DeltaExpectation;
  readonly #patch: PatchReader;
  readonly #hash = createHash('sha256');
  readonly #header = new Uint8Array(DELTA_HEADER_BYTES);
  #headerLength = 0;
  #finished = false;
  #refusal: DeltaRefusal | undefined;

  constructor(ports: PatchPorts, expected: DeltaExpectation) {
    this.#expected = expected;
    const limits: PatchLimits = {
      targetBytesMax: expected.targetBytes,
      ...(expected.windowBitsMax === undefined ? {} : { windowBitsMax: expected.windowBitsMax }),
    };
    const write = (bytes: Uint8Array): boolean => {
      this.#hash.update(bytes);
      return ports.write(bytes);
    };
    this.#patch = new PatchReader({ ...ports, write }, limits);
  }

  /** Takes the next bytes of the delta file, cut anywhere. Once refused, always refused. */
  push(chunk: Uint8Array): DeltaRefusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    const taken = Math.min(DELTA_HEADER_BYTES - this.#headerLength, chunk.length);
    if (taken > 0) {
      this.#header.set(chunk.subarray(0, taken), this.#headerLength);
      this.#headerLength += taken;
      if (this.#headerLength < DELTA_HEADER_BYTES) return undefined;
      this.#refusal = this.#checkHeader();
    }
    this.#refusal ??= this.#patch.push(chunk.subarray(taken));
    return this.#refusal;
  }

  /** Says that the delta is over. Undefined means that the whole result was written and is what was expected. */
  finish(): DeltaRefusal | undefined {
    if (this.#finished) return this.#refusal;
    this.#finished = true;
    if (this.#refusal === undefined && this.#headerLength < DELTA_HEADER_BYTES)
      this.#refusal = refuseDelta('truncated', 0, 'the delta ends in its header');
    this.#refusal ??= this.#patch.finish() ?? this.#checkResult();
    return this.#refusal;
  }

  #checkHeader(): DeltaRefusal | undefined {
    const parsed = parseDeltaHeader(this.#header);
    if (!parsed.ok) return parsed.refusal;
    if (bytesEqual(parsed.value, this.#expected.baseValidationHash)) return undefined;
    return refuseDelta('wrong-base', 0, 'the delta was made for another image than the one that runs');
  }

  #checkResult(): DeltaRefusal | undefined {
    const { targetBytes, targetSha256 } = this.#expected;
    if (this.#patch.targetBytes !== targetBytes)
      return refuseDelta(
        'wrong-result',
        0,
        `the result has ${this.#patch.targetBytes} bytes, not ${targetBytes}`,
      );
    if (bytesEqual(this.#hash.digest(), targetSha256)) return undefined;
    return refuseDelta('wrong-result', 0, 'the result is whole and is not the image that was asked for');
  }
}
