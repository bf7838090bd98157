import type { PatchPorts } from '../../src/delta/patch-machine.ts';
import { PatchReader } from '../../src/delta/patch-reader.ts';
import type { DeltaRefusal } from '../../src/delta/refusal.ts';

export interface Applied {
  readonly refusal: DeltaRefusal | undefined;
  /** Everything that was written, whole or not. */
  readonly result: Uint8Array;
}

interface Stream {
  push(chunk: Uint8Array): DeltaRefusal | undefined;
  finish(): DeltaRefusal | undefined;
}

/** Feeds `bytes` in chunks of `chunkBytes` and gathers what is written. */
export function run(
  open: (ports: PatchPorts) => Stream,
  base: Uint8Array,
  bytes: Uint8Array,
  chunkBytes = 1000,
): Applied {
  const written: Uint8Array[] = [];
  const stream = open({
    baseBytes: base.length,
    readBase: (offset, length) => {
      if (offset < 0 || length > 512 || offset + length > base.length)
        throw new Error('read outside the base');
      return base.subarray(offset, offset + length);
    },
    write: (sector) => {
      written.push(sector);
      return true;
    },
  });
  let refusal: DeltaRefusal | undefined;
  for (let at = 0; at < bytes.length; at += chunkBytes)
    refusal = stream.push(bytes.subarray(at, at + chunkBytes));
  refusal = stream.finish();
  return { refusal, result: new Uint8Array(Buffer.concat(written)) };
}

export function applyPatch(base: Uint8Array, patch: Uint8Array, chunkBytes?: number): Applied {
  const limits = { targetBytesMax: 1 << 20, windowBitsMax: 15 };
  return run((ports) => new PatchReader(ports, limits), base, patch, chunkBytes);
}
