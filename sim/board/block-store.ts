import { createHash } from 'node:crypto';

export const SECTOR_SIZE = 0x1000;
export const PAGE_SIZE = 0x10000;
export const SECTORS_PER_PAGE = PAGE_SIZE / SECTOR_SIZE;

/** Blocks up to this many bytes are shared by their text alone, without a digest: otadata entries are. */
const SMALL_BLOCK_MAX = 64;
const MEMO_ENTRIES_MAX = 20_000;

/**
 * Contents of one flash sector; immutable. Bytes past `bytes` read as erased.
 *
 * `id` is set once the store has found or made the one block with these contents.
 */
export interface Block {
  readonly bytes: Uint8Array;
  id: number | undefined;
  /** Set when `bytes` looks into a buffer that nobody will ever change. */
  readonly immutableSource: boolean;
}

/** Sixteen sectors. With an `id` it is shared and must not change; without, it belongs to one flash. */
export interface Page {
  readonly sectors: Block[];
  readonly id: number | undefined;
}

/**
 * Flash contents shared by all boards of a world.
 *
 * Equal sectors are one object and equal sealed pages are one object, so contents compare by number, a hundred
 * thousand boards hold an image once, and what is worked out about a range is worked out once.
 */
export class BlockStore {
  readonly erasedBlock: Block = { bytes: new Uint8Array(0), id: 0, immutableSource: false };
  readonly erasedPage: Page = {
    sectors: new Array<Block>(SECTORS_PER_PAGE).fill(this.erasedBlock),
    id: 0,
  };
  readonly #small = new Map<string, Block>();
  readonly #byDigest = new Map<string, Block>();
  readonly #bySource = new WeakMap<ArrayBufferLike, Map<number, Block>>();
  readonly #pages = new Map<string, Page>();
  readonly #memos = new Map<string, unknown>();
  #nextBlockId = 1;
  #nextPageId = 1;

  constructor() {
    this.#pages.set(this.erasedPage.sectors.map(({ id }) => id).join(), this.erasedPage);
  }

  /** A block over `bytes`, which must never change again. Looked up at once when small, else when interned. */
  block(bytes: Uint8Array, immutableSource: boolean): Block {
    if (bytes.length <= SMALL_BLOCK_MAX) return this.#internSmall(withoutErasedTail(bytes));
    return { bytes, id: undefined, immutableSource };
  }

  /** The block found before for this place in a buffer that never changes. */
  knownBlock(buffer: ArrayBufferLike, byteOffset: number, length: number): Block | undefined {
    return this.#bySource.get(buffer)?.get(sourceKey(byteOffset, length));
  }

  /** The one block with these contents. */
  intern(block: Block): Block {
    if (block.id !== undefined) return block;
    const { buffer, byteOffset, length } = block.bytes;
    const known = block.immutableSource ? this.knownBlock(buffer, byteOffset, length) : undefined;
    if (known !== undefined) return known;
    const bytes = withoutErasedTail(block.bytes);
    const canonical = bytes.length <= SMALL_BLOCK_MAX ? this.#internSmall(bytes) : this.#internLarge(bytes);
    if (block.immutableSource) this.#remember(block.bytes, canonical);
    return canonical;
  }

  /** The one shared page with these sectors. */
  seal(page: Page): Page {
    if (page.id !== undefined) return page;
    const { sectors } = page;
    let key = '';
    for (let index = 0; index < sectors.length; index++) {
      const block = this.intern(sectors[index] ?? this.erasedBlock);
      sectors[index] = block;
      key += index === 0 ? block.id : `,${block.id}`;
    }
    let shared = this.#pages.get(key);
    if (shared === undefined) {
      shared = { sectors, id: this.#nextPageId++ };
      this.#pages.set(key, shared);
    }
    return shared;
  }

  /** What `compute` said about `key` before; the oldest answers are dropped first. */
  memo<T>(key: string, compute: () => T): T {
    const known = this.#memos.get(key);
    if (known !== undefined) return known as T;
    const value = compute();
    if (this.#memos.size >= MEMO_ENTRIES_MAX) {
      for (const oldest of this.#memos.keys()) {
        this.#memos.delete(oldest);
        break;
      }
    }
    this.#memos.set(key, value);
    return value;
  }

  #remember(bytes: Uint8Array, block: Block): void {
    let blocks = this.#bySource.get(bytes.buffer);
    if (blocks === undefined) {
      blocks = new Map();
      this.#bySource.set(bytes.buffer, blocks);
    }
    blocks.set(sourceKey(bytes.byteOffset, bytes.length), block);
  }

  #internSmall(bytes: Uint8Array): Block {
    if (bytes.length === 0) return this.erasedBlock;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    let block = this.#small.get(key);
    if (block === undefined) {
      block = { bytes: bytes.slice(), id: this.#nextBlockId++, immutableSource: false };
      this.#small.set(key, block);
    }
    return block;
  }

  #internLarge(bytes: Uint8Array): Block {
    const key = createHash('sha256').update(bytes).digest().toString('latin1');
    let block = this.#byDigest.get(key);
    if (block === undefined) {
      block = { bytes, id: this.#nextBlockId++, immutableSource: false };
      this.#byDigest.set(key, block);
    }
    return block;
  }
}

/** Place in a buffer as one number: offsets and lengths of a sector's share fit 53 bits together. */
function sourceKey(byteOffset: number, length: number): number {
  return byteOffset * 2 * SECTOR_SIZE + length;
}

function withoutErasedTail(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}
