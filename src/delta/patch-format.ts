/**
 * detools' numbers for what the first byte of a patch says: bits 4 to 6 the type, bits 0 to 3 the
 * compression. The size of the result follows; what comes after is compressed as one stream.
 * Source: detools, common.py and docs, "Patch layout".
 */
export const PATCH_TYPE = { sequential: 0, 'in-place': 1, hdiffpatch: 2 } as const;
export const PATCH_COMPRESSION = {
  none: 0,
  lzma: 1,
  crle: 2,
  bz2: 3,
  heatshrink: 4,
  zstd: 5,
  lz4: 6,
} as const;

/** The compressions that fit a board, and that are read and written here. */
export type PatchCompression = 'none' | 'crle' | 'heatshrink';
