/** A device on the chip's bus: `start` is in its range, `end` is not. Words are 32 bit, addresses multiples of 4. */
export interface Peripheral {
  readonly start: number;
  readonly end: number;
  readWord(address: number): number;
  writeWord(address: number, value: number): void;
}

const PAGE_SIZE = 4096;
/** More memory than any of the chips has; a write beyond it goes nowhere. */
const PAGES_MAX = 512;

/**
 * What a loader's READ_REG, WRITE_REG and MEM_DATA can reach: peripherals, and RAM everywhere else.
 *
 * Registers nobody models keep what was written and read 0 before. Holds at most 2 MiB.
 */
export class AddressSpace {
  readonly #peripherals: readonly Peripheral[];
  readonly #pages = new Map<number, Uint8Array>();

  constructor(peripherals: readonly Peripheral[]) {
    this.#peripherals = peripherals;
  }

  readWord(address: number): number {
    const peripheral = this.#at(address);
    if (peripheral !== undefined) return peripheral.readWord(align(address)) >>> 0;
    let word = 0;
    for (let index = 3; index >= 0; index--) word = word * 256 + this.readByte(address + index);
    return word;
  }

  writeWord(address: number, value: number): void {
    const peripheral = this.#at(address);
    if (peripheral !== undefined) peripheral.writeWord(align(address), value >>> 0);
    else this.writeBytes(address, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24));
  }

  /** RAM only: loaders copy code and data there, never into a peripheral. */
  writeBytes(address: number, bytes: Uint8Array): void {
    bytes.forEach((byte, index) => {
      const at = (address + index) >>> 0;
      const key = Math.floor(at / PAGE_SIZE);
      let page = this.#pages.get(key);
      if (page === undefined) {
        if (this.#pages.size >= PAGES_MAX) return;
        page = new Uint8Array(PAGE_SIZE);
        this.#pages.set(key, page);
      }
      page[at % PAGE_SIZE] = byte;
    });
  }

  readByte(address: number): number {
    const at = address >>> 0;
    return this.#pages.get(Math.floor(at / PAGE_SIZE))?.[at % PAGE_SIZE] ?? 0;
  }

  /** RAM that was written, in stretches without a gap, lowest address first. */
  writtenRam(): Buffer[] {
    const stretches: { end: number; pages: Uint8Array[] }[] = [];
    for (const key of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(key) ?? new Uint8Array(0);
      const last = stretches.at(-1);
      if (last?.end === key) {
        last.pages.push(page);
        last.end = key + 1;
      } else stretches.push({ end: key + 1, pages: [page] });
    }
    return stretches.map(({ pages }) => Buffer.concat(pages));
  }

  #at(address: number): Peripheral | undefined {
    return this.#peripherals.find(({ start, end }) => address >= start && address < end);
  }
}

function align(address: number): number {
  return address - (address % 4);
}
