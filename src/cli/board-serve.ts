import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BlockStore } from '../../sim/board/block-store.ts';
import type { NorFlash } from '../../sim/board/nor-flash.ts';
import { LinkUnavailable } from '../../sim/live/serial/serial-link.ts';
import { type LinkPlan, type ServedBoard, serveBoard } from '../../sim/live/serial/served-board.ts';
import { LOADER_CHIPS } from '../../sim/serial/loader-chip.ts';
import { CHIP_NAMES, CHIPS, type Chip, isChipName } from '../esp/chips.ts';
import { BoardArgumentError, burnFuses, flashOfImage, parseFlashSize } from './board-arguments.ts';

/** Exit codes of sysexits.h: the command line is wrong, something outside is not to be had. */
const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;

interface ServeOptions {
  readonly chip: readonly string[];
  readonly flash?: readonly string[];
  readonly save?: readonly string[];
  readonly rfc2217?: readonly string[];
  readonly tcp?: readonly string[];
  readonly pty?: readonly string[];
  readonly flashSize?: string;
  readonly efuse?: readonly string[];
  readonly download?: boolean;
  readonly usbJtag?: boolean;
  readonly realTime?: boolean;
}

const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];

/** Adds `board serve` to the `board` command. */
export function registerBoardServe(board: Command): void {
  board
    .command('serve')
    .description('put virtual boards behind serial ports that esptool and other tools can open')
    .requiredOption('--chip <name>', `one of ${CHIP_NAMES.join(', ')}; again for the next board`, collect)
    .option('--rfc2217 <port>', 'a board on this port, modem lines included; 0 takes a free one', collect)
    .option('--tcp <port>', 'a board on this port, bytes only; 0 takes a free one', collect)
    .option('--pty <path>', 'a board on a pseudo-terminal with this name', collect)
    .option('--flash <file>', 'contents of its flash; again for the next board', collect)
    .option('--save <file>', 'write its flash here when a client leaves and at the end', collect)
    .option('--flash-size <size>', 'as 4MB; without a dump 4MB')
    .option('--efuse <field=value>', 'burn before power-up: mac, secure-version, download=secure …', collect)
    .option('--download', 'power up with the boot pin held')
    .option('--usb-jtag', "reset by the chip's own USB port instead of a bridge's two transistors")
    .option('--real-time', 'let erasing, programming and the wire take the time they take')
    .action(async (options: ServeOptions) => {
      process.exitCode = await serve(options);
    });
}

/** Serves until a signal comes. Returns the exit code. */
async function serve(options: ServeOptions): Promise<number> {
  const served: ServedBoard[] = [];
  const saves: (() => void)[] = [];
  try {
    const links = linksOf(options);
    const store = new BlockStore();
    for (const [index, link] of links.entries()) {
      const chip = chipOf(nth(options.chip, index) ?? '');
      const flash = flashOf(store, options, index);
      const { efuse, downloadMode } = burnFuses(chip, index, options.efuse ?? []);
      if (options.usbJtag === true && !LOADER_CHIPS[chip.name].usbSerialJtag)
        throw new BoardArgumentError(`--usb-jtag: an ${chip.label} has no USB Serial/JTAG`);
      const save = saverOf(flash, options.save?.[index]);
      saves.push(save);
      const parts = {
        flash,
        efuse,
        downloadMode,
        wiring: options.usbJtag === true ? 'usb-serial-jtag' : 'auto-reset',
        bootPinHeld: options.download === true,
        pace: options.realTime === true ? 'real' : 'instant',
      } as const;
      served.push(await serveBoard(parts, link, save));
    }
    const names = served.map(({ url }, index) => `${nth(options.chip, index)} at ${url}`);
    process.stdout.write(`ready: ${names.join(', ')}\n`);
    await signalled();
    return 0;
  } catch (cause) {
    if (!(cause instanceof BoardArgumentError) && !(cause instanceof LinkUnavailable)) throw cause;
    process.stderr.write(`brickproof: ${cause.message}\n`);
    return cause instanceof LinkUnavailable ? EX_UNAVAILABLE : EX_USAGE;
  } finally {
    await Promise.all(served.map((one) => one.close()));
    for (const save of saves) save();
  }
}

function linksOf(options: ServeOptions): readonly LinkPlan[] {
  const links: LinkPlan[] = [
    ...(options.rfc2217 ?? []).map((port) => ({ kind: 'rfc2217' as const, port: portOf('--rfc2217', port) })),
    ...(options.tcp ?? []).map((port) => ({ kind: 'tcp' as const, port: portOf('--tcp', port) })),
    ...(options.pty ?? []).map((path) => ({ kind: 'pty' as const, path })),
  ];
  if (links.length === 0)
    throw new BoardArgumentError('a board needs a link: give --rfc2217 PORT, --tcp PORT or --pty PATH');
  for (const [name, given] of [
    ['--chip', options.chip],
    ['--flash', options.flash],
    ['--save', options.save],
  ] as const)
    if ((given?.length ?? 0) > links.length)
      throw new BoardArgumentError(
        `${given?.length} times ${name} for ${links.length} board(s): one link is one board`,
      );
  return links;
}

function portOf(option: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new BoardArgumentError(`${option} ${text}: a port is a number from 0 to 65535`);
  return port;
}

function chipOf(name: string): Chip {
  const plain = name.toLowerCase().replace('-', '');
  if (!isChipName(plain))
    throw new BoardArgumentError(`there is no chip "${name}"; known are ${CHIP_NAMES.join(', ')}`);
  return CHIPS[plain];
}

function flashOf(store: BlockStore, options: ServeOptions, index: number): NorFlash {
  const size = options.flashSize === undefined ? undefined : parseFlashSize(options.flashSize);
  const file = options.flash?.[index];
  if (file === undefined) return flashOfImage(store, undefined, size, 'a blank flash');
  let image: Uint8Array;
  try {
    image = readFileSync(file);
  } catch (cause) {
    throw new BoardArgumentError(`${file} cannot be read: ${(cause as Error).message}`);
  }
  return flashOfImage(store, image, size, file);
}

function saverOf(flash: NorFlash, file: string | undefined): () => void {
  if (file === undefined) return () => {};
  return () => {
    try {
      writeFileSync(file, flash.read(0, flash.sizeBytes));
    } catch (cause) {
      process.stderr.write(`brickproof: ${file} cannot be written: ${(cause as Error).message}\n`);
      process.exitCode = EX_UNAVAILABLE;
    }
  };
}

/** The value for board `index`: the last one given holds for all that follow. */
function nth(values: readonly string[], index: number): string | undefined {
  return values[Math.min(index, values.length - 1)];
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
