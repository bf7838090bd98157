import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { viewOf } from '../../src/esp/byte-fields.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';

/** Smallest and largest function of the made-up program, in bytes. */
const FUNCTION_MIN = 24;
const FUNCTION_SPAN = 400;

interface Function {
  readonly code: Uint8Array;
  /** Pairs of an offset in the code and the function whose address stands there. */
  readonly calls: readonly (readonly [offset: number, callee: number])[];
}

/**
 * Two builds of one program that nobody compiled: functions of machine-like code that hold the addresses
 * of others, as a linker lays them out. The second build changes a few functions, makes one longer and
 * adds one; everything behind moves, and so does every address of what moved. That is what makes real
 * deltas large, and what random bytes would not show.
 */
export function consecutiveBuilds(sizeBytes: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const random = SeededRandom.ofSeed(42).split('consecutive-builds');
  const program = makeProgram(sizeBytes - 4096, random.split('program'));
  const changed = program.slice();
  const touch = (index: number, extra: number): void => {
    const old = changed[index];
    if (old === undefined) return;
    const code = new Uint8Array(old.code.length + extra);
    code.set(old.code);
    code.set(makeCode(extra + 16, random.split(`change ${index}`)), old.code.length - 16);
    changed[index] = { code, calls: old.calls };
  };
  const count = program.length;
  touch(Math.floor(count * 0.1), 0);
  touch(Math.floor(count * 0.35), 48);
  touch(Math.floor(count * 0.6), 0);
  changed.push({ code: makeCode(600, random.split('new')), calls: [[8, 3]] });
  const image = (version: string, functions: readonly Function[]): Uint8Array =>
    buildAppImage({
      chip: CHIPS.esp32c3,
      projectName: 'thermo',
      version,
      sizeBytes,
      contents: (length) => link(functions, length),
    });
  return { from: image('1.4.0', program), to: image('1.4.1', changed) };
}

function makeProgram(sizeBytes: number, random: SeededRandom): Function[] {
  const functions: Function[] = [];
  for (let size = 0; size < sizeBytes - FUNCTION_MIN - FUNCTION_SPAN; ) {
    const stream = random.split(`function ${functions.length}`);
    const length = FUNCTION_MIN + 4 * stream.int(FUNCTION_SPAN / 4);
    const calls: [number, number][] = [];
    for (let offset = 8; offset + 4 <= length; offset += 4 * (4 + stream.int(24)))
      calls.push([offset, stream.int(functions.length + 8)]);
    functions.push({ code: makeCode(length, stream.split('code')), calls });
    size += length;
  }
  return functions;
}

/** Few opcodes and registers, many of them often: about as compressible as compiled code. */
function makeCode(length: number, random: SeededRandom): Uint8Array {
  const code = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const draw = random.int(256);
    code[at] = at % 4 === 0 ? (draw & 0x7) * 0x13 : draw < 120 ? 0 : draw < 200 ? draw & 0xf : draw;
  }
  return code;
}

function link(functions: readonly Function[], length: number): Uint8Array {
  const text = new Uint8Array(length);
  const addresses: number[] = [];
  let end = 0;
  for (const { code } of functions) {
    addresses.push(0x42000020 + end);
    end += code.length;
  }
  for (const [index, { code, calls }] of functions.entries()) {
    const start = (addresses[index] ?? 0) - 0x42000020;
    const placed = code.slice();
    for (const [offset, callee] of calls)
      viewOf(placed).setUint32(offset, addresses[callee % addresses.length] ?? 0, true);
    text.set(placed.subarray(0, Math.max(0, length - start)), Math.min(start, length));
  }
  return text;
}
