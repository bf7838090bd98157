import type { AddressSpace } from './address-space.ts';

/** What a flasher stub says first. As text it lies in the data of an Xtensa stub. */
const GREETING = Buffer.from('OHAI', 'latin1');
/** The greeting as a word is 0x4941484F; RISC-V code builds it from this upper half with `lui`. */
const LUI_UPPER = 0x49415;
const LUI_OPCODE = 0x37;

/**
 * Whether the code that a host left in RAM is a flasher stub, told by its greeting.
 *
 * A board does not execute code; a stub it knows how to be, any other program stays silent.
 */
export function holdsFlasherStub(memory: AddressSpace): boolean {
  return memory.writtenRam().some((ram) => ram.indexOf(GREETING) >= 0 || loadsGreeting(ram));
}

function loadsGreeting(code: Buffer): boolean {
  for (let at = 0; at + 4 <= code.length; at += 2) {
    const instruction = code.readUInt32LE(at);
    if ((instruction & 0x7f) === LUI_OPCODE && instruction >>> 12 === LUI_UPPER) return true;
  }
  return false;
}
