import { CrleDecoder } from './crle.ts';
import { type Decompressor, PlainReader } from './decompressor.ts';
import { DEVICE_HEATSHRINK, HeatshrinkDecoder } from './heatshrink-decoder.ts';
import { PATCH_COMPRESSION, PATCH_TYPE } from './patch-format.ts';
import { type PatchFault, PatchMachine, type PatchPorts } from './patch-machine.ts';
import { type DeltaRefusal, refuseDelta } from './refusal.ts';
import { SizeReader } from './size-field.ts';

export interface PatchLimits {
  /** Largest result; a patch that announces more is refused before anything is written. */
  readonly targetBytesMax: number;
  /** log2 of the largest heatshrink window; default 8, what esp_delta_ota has. At most 15. */
  readonly windowBitsMax?: number;
}

/**
 * Applies a detools patch of type sequential while it arrives, in chunks cut anywhere.
 *
 * Holds at most 2^windowBitsMax + PATCH_BUFFER_BYTES, whatever the patch or the images: under 6 kB with
 * the window of esp_delta_ota. Work is bounded by the announced size of the result.
 */
export class PatchReader {
  readonly #limits: PatchLimits;
  readonly #machine: PatchMachine;
  readonly #size = new SizeReader('signed');
  #compression: number | undefined;
  #decompressor: Decompressor | undefined;
  #readBytes = 0;
  #refusal: DeltaRefusal | undefined;

  constructor(ports: PatchPorts, limits: PatchLimits) {
    this.#limits = limits;
    this.#machine = new PatchMachine(ports);
  }

  /** Size of the result, in bytes; undefined until the patch's header has been read. */
  get targetBytes(): number | undefined {
    return this.#decompressor === undefined ? undefined : this.#machine.targetBytes;
  }

  /** Takes the next bytes of the patch. Once refused, always refused. */
  push(chunk: Uint8Array): DeltaRefusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    let at = 0;
    while (this.#decompressor === undefined && at < chunk.length) {
      const fault = this.#readHeader(chunk[at++] ?? 0);
      if (fault !== undefined) return this.#refuse(fault);
    }
    const rest = chunk.subarray(at);
    if (this.#decompressor !== undefined && rest.length > 0) {
      const emit = (bytes: Uint8Array): boolean => {
        const fault = this.#machine.push(bytes);
        if (fault !== undefined) this.#refuse(fault);
        return fault === undefined;
      };
      const malformed = this.#decompressor.push(rest, emit);
      if (this.#refusal === undefined && malformed !== undefined)
        return this.#refuse(['malformed', malformed]);
    }
    this.#readBytes += chunk.length;
    return this.#refusal;
  }

  /** Says that the patch is over; writes what is still held. */
  finish(): DeltaRefusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#decompressor === undefined) return this.#refuse(['truncated', 'the patch ends in its header']);
    const fault = this.#machine.finish();
    if (fault !== undefined) return this.#refuse(fault);
    const clean = this.#machine.targetBytes === 0 || this.#decompressor.atEnd;
    return clean ? undefined : this.#refuse(['trailing', 'the compressed stream goes on after the patch']);
  }

  #readHeader(byte: number): PatchFault | undefined {
    if (this.#compression === undefined) {
      const type = (byte >> 4) & 7;
      if (byte >= 0x80) return ['malformed', 'bit 7 of the first byte is reserved'];
      if (type !== PATCH_TYPE.sequential)
        return [
          'unsupported-patch-type',
          `the patch is ${nameOf(PATCH_TYPE, type)}; only sequential patches are applied`,
        ];
      this.#compression = byte & 0xf;
      return this.#makeDecompressor() === undefined
        ? [
            'unsupported-compression',
            `the patch is compressed with ${nameOf(PATCH_COMPRESSION, this.#compression)}; only none, crle and heatshrink are read`,
          ]
        : undefined;
    }
    const size = this.#size.push(byte);
    if (size === undefined) return undefined;
    if (size === 'overflow' || size > this.#limits.targetBytesMax)
      return ['too-large', `the result would be larger than ${this.#limits.targetBytesMax} bytes`];
    if (size < 0) return ['malformed', 'the size of the result is negative'];
    this.#machine.begin(size);
    this.#decompressor = this.#makeDecompressor();
    return undefined;
  }

  #makeDecompressor(): Decompressor | undefined {
    switch (this.#compression) {
      case PATCH_COMPRESSION.none:
        return new PlainReader();
      case PATCH_COMPRESSION.crle:
        return new CrleDecoder();
      case PATCH_COMPRESSION.heatshrink:
        return new HeatshrinkDecoder(this.#limits.windowBitsMax ?? DEVICE_HEATSHRINK.windowBits);
      default:
        return undefined;
    }
  }

  #refuse([code, message]: PatchFault): DeltaRefusal {
    this.#refusal = refuseDelta(code, this.#readBytes, message);
    return this.#refusal;
  }
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? `unknown (${value})`;
}
