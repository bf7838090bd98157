import type { Command } from 'commander';
import { BlockStore } from '../../sim/board/block-store.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { LinkUnavailable } from '../../sim/live/serial/serial-link.ts';
import { type LinkPlan, type ServedBoard, serveBoard } from '../../sim/live/serial/served-board.ts';
import type { DownloadMode } from '../../sim/serial/efuse-window.ts';
import { LOADER_CHIPS } from '../../sim/serial/loader-chip.ts';
import type { SerialBoardParts } from '../../sim/serial/serial-board.ts';
import { CHIP_NAMES, type Chip } from '../esp/chips.ts';
import { parseChip } from './chip-argument.ts';
import { type Console, untilInterrupted } from './console.ts';
import { burnEfuses } from './efuse-settings.ts';
import { CommandFailure, explain, rejectUsage } from './failure.ts';
import { flashContents } from './flash-dump.ts';
import { FLASH_SIZE_MAX, readInput } from './input-file.ts';
import { describeSize, parseByteSize, parseWhole } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { collect, parentCommand } from './parent-command.ts';

const DEFAULT_FLASH_SIZE = 4 * 1024 * 1024;
const FLASH_SIZE_MIN = 256 * 1024;
/** Espressif's first registered address block, with a counter behind it: the boards of one command differ. */
const FIRST_MAC = 0x7cdfa1_000001;
const DOWNLOAD_MODES: readonly string[] = ['open', 'secure', 'disabled'] satisfies readonly DownloadMode[];

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

/** One board as it was asked for: nothing of it is on the outside yet. */
interface BoardOrder {
  readonly chip: Chip;
  readonly parts: Omit<SerialBoardParts, 'clock' | 'onOutput'>;
  readonly link: LinkPlan;
  /** File that its flash is written to; undefined: none. */
  readonly save: string | undefined;
}

/** Adds `board serve`. */
export function registerBoardServe(program: Command, console: Console): void {
  parentCommand(program, 'board', 'virtual boards, and flash dumps of real ones')
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
    .addHelpText(
      'after',
      `
Examples:
  $ npx brickproof board serve --chip esp32c3 --rfc2217 4000 --save flash.bin
  $ esptool --port rfc2217://127.0.0.1:4000 write-flash 0 firmware.bin
`,
    )
    .action((options: ServeOptions) => serve(ordersOf(options), console));
}

/** Serves until it is interrupted. Every flash that is to be saved is, or the command fails at its end. */
async function serve(orders: readonly BoardOrder[], console: Console): Promise<void> {
  const served: ServedBoard[] = [];
  const save = ({ parts: { flash }, save: file }: BoardOrder): void => {
    if (file !== undefined) writeOutput(file, flash.read(0, flash.sizeBytes));
  };
  try {
    for (const order of orders) {
      // The board lives on without the file: it is written again when the next client leaves.
      const onDisconnect = (): void => {
        try {
          save(order);
        } catch (error) {
          console.err(`${explain(error).lines.join('\n')}\n`);
        }
      };
      served.push(await serveBoard(order.parts, order.link, onDisconnect));
    }
    console.out(`ready: ${served.map(({ url }, at) => `${orders[at]?.chip.name} at ${url}`).join(', ')}\n`);
    await untilInterrupted(console);
  } catch (error) {
    if (error instanceof LinkUnavailable) throw new CommandFailure('unavailable', error.message);
    throw error;
  } finally {
    await Promise.all(served.map((one) => one.close()));
  }
  for (const order of orders) save(order);
}

/** Everything that can be wrong is found before the first port is opened. */
function ordersOf(options: ServeOptions): readonly BoardOrder[] {
  const links = linksOf(options);
  const store = new BlockStore();
  return links.map((link, index): BoardOrder => {
    const chip = parseChip(nth(options.chip, index) ?? '');
    if (options.usbJtag === true && !LOADER_CHIPS[chip.name].usbSerialJtag)
      rejectUsage(`--usb-jtag: an ${chip.label} has no USB Serial/JTAG`);
    const parts = {
      flash: flashOf(store, options, index),
      ...fusesOf(chip, options.efuse ?? [], index),
      wiring: options.usbJtag === true ? 'usb-serial-jtag' : 'auto-reset',
      bootPinHeld: options.download === true,
      pace: options.realTime === true ? 'real' : 'instant',
    } as const;
    return { chip, parts, link, save: options.save?.[index] };
  });
}

function linksOf(options: ServeOptions): readonly LinkPlan[] {
  const port = (option: string, text: string): number => parseWhole(option, text, 0, 65_535);
  const links: LinkPlan[] = [
    ...(options.rfc2217 ?? []).map((text) => ({ kind: 'rfc2217' as const, port: port('--rfc2217', text) })),
    ...(options.tcp ?? []).map((text) => ({ kind: 'tcp' as const, port: port('--tcp', text) })),
    ...(options.pty ?? []).map((path) => ({ kind: 'pty' as const, path })),
  ];
  if (links.length === 0) rejectUsage('a board needs a link: give --rfc2217 PORT, --tcp PORT or --pty PATH');
  for (const [name, given] of [
    ['--chip', options.chip],
    ['--flash', options.flash],
    ['--save', options.save],
  ] as const)
    if ((given?.length ?? 0) > links.length)
      rejectUsage(`${given?.length} times ${name} for ${links.length} board(s): one link is one board`);
  return links;
}

function flashOf(store: BlockStore, options: ServeOptions, index: number): NorFlash {
  const size = options.flashSize === undefined ? undefined : parseByteSize('--flash-size', options.flashSize);
  const file = options.flash?.[index];
  const flash =
    file === undefined
      ? NorFlash.blank(store, checkPartSize(size ?? DEFAULT_FLASH_SIZE))
      : NorFlash.ofImage(store, flashContents(readInput(file), file, size));
  checkPartSize(flash.sizeBytes);
  return flash;
}

/** A tool asks the part for its size, and parts tell it as a power of two. */
function checkPartSize(size: number): number {
  if (size < FLASH_SIZE_MIN || size > FLASH_SIZE_MAX || !Number.isInteger(Math.log2(size)))
    rejectUsage(
      `there is no flash part of ${describeSize(size)}; give --flash-size 256KB, 512KB, 1MB, 2MB … 128MB`,
    );
  return size;
}

/** What `--efuse` burns, and the download mode, which only a served board has a use for. */
function fusesOf(
  chip: Chip,
  settings: readonly string[],
  index: number,
): Pick<SerialBoardParts, 'efuse' | 'downloadMode'> {
  const PREFIX = 'download=';
  const [said] = settings.filter((setting) => setting.startsWith(PREFIX)).slice(-1);
  const downloadMode = said?.slice(PREFIX.length) ?? 'open';
  if (!isDownloadMode(downloadMode))
    rejectUsage(`--efuse ${said}: known are download=${DOWNLOAD_MODES.join(', download=')}`);
  const others = settings.filter((setting) => !setting.startsWith(PREFIX));
  const hasMac = others.some((setting) => setting.startsWith('mac='));
  const mac = hasMac ? [] : [`mac=${(FIRST_MAC + index).toString(16)}`];
  return { efuse: burnEfuses(chip, [...mac, ...others], chip.revision), downloadMode };
}

function isDownloadMode(text: string): text is DownloadMode {
  return DOWNLOAD_MODES.includes(text);
}

/** The value for board `index`: the last one given holds for all that follow. */
function nth(values: readonly string[], index: number): string | undefined {
  return values[Math.min(index, values.length - 1)];
}
