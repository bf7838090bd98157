import type { Chip } from '../../src/esp/chips.ts';

const HEADER_SIZE = 52;
const SECTION_HEADER_SIZE = 40;
const PROGBITS = 1;
const STRTAB = 3;
const ALLOC = 2;
const MACHINES = { xtensa: 0x5e, riscv: 0xf3 } as const;

export interface ElfSection {
  readonly name: string;
  readonly address: number;
  readonly data: Uint8Array;
}

/** A 32-bit ELF with these sections and nothing else: all that tools which make images of one look at. */
export function buildElf(chip: Chip, entryAddress: number, sections: readonly ElfSection[]): Uint8Array {
  const names = ['', ...sections.map(({ name }) => name), '.shstrtab'];
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''));
  const nameOffset = (index: number) => names.slice(0, index).join('\0').length + Number(index > 0);
  const bodies = [...sections.map(({ data }) => data), strings];
  const bodySize = bodies.reduce((sum, { length }) => sum + length, 0);
  const tableOffset = HEADER_SIZE + Math.ceil(bodySize / 4) * 4;
  const elf = new Uint8Array(tableOffset + (bodies.length + 1) * SECTION_HEADER_SIZE);
  const view = new DataView(elf.buffer);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, MACHINES[chip.architecture], true);
  view.setUint32(20, 1, true);
  view.setUint32(24, entryAddress, true);
  view.setUint32(32, tableOffset, true);
  view.setUint16(40, HEADER_SIZE, true);
  view.setUint16(46, SECTION_HEADER_SIZE, true);
  view.setUint16(48, bodies.length + 1, true);
  view.setUint16(50, bodies.length, true);
  let offset = HEADER_SIZE;
  for (const [index, data] of bodies.entries()) {
    const section = sections[index];
    const at = tableOffset + (index + 1) * SECTION_HEADER_SIZE;
    const words = [
      nameOffset(index + 1),
      section === undefined ? STRTAB : PROGBITS,
      section === undefined ? 0 : ALLOC,
      section?.address ?? 0,
      offset,
      data.length,
      0,
      0,
      4,
    ];
    for (const [word, value] of words.entries()) view.setUint32(at + 4 * word, value, true);
    elf.set(data, offset);
    offset += data.length;
  }
  return elf;
}
