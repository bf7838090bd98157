import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockStore } from '../../sim/board/block-store.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { type LinkPlan, type ServedBoard, serveBoard } from '../../sim/live/serial/served-board.ts';
import type { SerialBoardParts } from '../../sim/serial/serial-board.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { peerPath } from './python-peers.ts';

export interface ToolRun {
  readonly exitCode: number;
  /** Both outputs, in the order they came. */
  readonly output: string;
}

/** A board on the table: its flash in our hands, its port in a tool's. */
export interface BenchBoard {
  readonly flash: NorFlash;
  readonly url: string;
  /** Runs `esptool --port URL …`. */
  esptool(...args: readonly string[]): Promise<ToolRun>;
  espefuse(...args: readonly string[]): Promise<ToolRun>;
  close(): Promise<void>;
}

export const scratch = mkdtempSync(join(tmpdir(), 'brickproof-esptool-test-'));

export async function benchBoard(
  chip: ChipName,
  parts: Partial<SerialBoardParts> = {},
  link: LinkPlan = { kind: 'rfc2217', port: 0 },
): Promise<BenchBoard> {
  const flash = parts.flash ?? NorFlash.blank(new BlockStore(), 4 * 1024 * 1024);
  const served: ServedBoard = await serveBoard(
    {
      flash,
      efuse: new Efuse(CHIPS[chip], '7cdfa1000001'),
      downloadMode: 'open',
      wiring: 'auto-reset',
      bootPinHeld: false,
      pace: 'instant',
      ...parts,
    },
    link,
    () => {},
  );
  const run = async (tool: string, args: readonly string[]): Promise<ToolRun> =>
    runTool(peerPath(tool), ['--port', served.url, ...args]);
  return {
    flash,
    url: served.url,
    esptool: (...args) => run('esptool', args),
    espefuse: (...args) => run('espefuse', args),
    close: () => served.close(),
  };
}

export function runTool(file: string, args: readonly string[]): Promise<ToolRun> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 300_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}
