import type { Command } from 'commander';
import { BlockStore } from '../../sim/board/block-store.ts';
import { readBootTable } from '../../sim/board/boot-table.ts';
import { BOOT_COUNTER_BUILD, type BootloaderBuild, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import type { Efuse } from '../../sim/board/efuse.ts';
import { NorFlash, type PowerCut } from '../../sim/board/nor-flash.ts';
import { defaultBootloader } from '../../sim/board/provision.ts';
import type { Chip } from '../esp/chips.ts';
import { PARTITION_TABLE_OFFSET } from '../esp/partition-table.ts';
import { bootReportJson, describeCycle } from './board-boot-report.ts';
import { runPowerCycles } from './board-boot-run.ts';
import { describeRevision, parseChip } from './chip-argument.ts';
import { burnEfuses, burnSecureVersion } from './efuse-settings.ts';
import { rejectUsage } from './failure.ts';
import { flashContents, guessChip, refuseMovedTable, revisionOfBootloader } from './flash-dump.ts';
import { readInput } from './input-file.ts';
import { describeSize, parseByteSize, parseWhole } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { collect, parentCommand, printer } from './parent-command.ts';
import { jsonOf, linesOf } from './text-layout.ts';

const BOOTS_MAX = 10_000;

/** Builds of the second stage that a dump cannot tell apart. */
const BUILDS: Readonly<Record<string, { readonly build: BootloaderBuild; readonly label: string }>> = {
  'esp-idf': { build: ESP_IDF_BUILD, label: 'ESP-IDF with rollback' },
  'no-rollback': { build: { ...ESP_IDF_BUILD, appRollback: false }, label: 'ESP-IDF without rollback' },
  'anti-rollback': { build: { ...ESP_IDF_BUILD, antiRollback: true }, label: 'ESP-IDF with anti-rollback' },
  'boot-counter': { build: BOOT_COUNTER_BUILD, label: 'ESP-IDF with boot counter' },
};

interface BootOptions {
  readonly chip?: string;
  readonly boots: string;
  readonly powerCutAt?: readonly string[];
  readonly confirm?: boolean;
  readonly bootloader?: string;
  readonly secureVersion?: string;
  readonly efuse?: readonly string[];
  readonly flashSize?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly log?: boolean;
}

/** Adds `board boot`. */
export function registerBoardBoot(program: Command): void {
  parentCommand(program, 'board', 'virtual boards, and flash dumps of real ones')
    .command('boot')
    .argument('<dump>', 'raw contents of a whole flash, as esptool read-flash 0 ALL gives them')
    .description('power a board from a flash dump and say what its bootloader does, and why')
    .option('--chip <name>', 'chip of the board; by default what the bootloader in the dump is for')
    .option('--boots <n>', 'how often the board is switched on; power is cut in between', '1')
    .option(
      '--power-cut-at <op[:byte]>',
      'cut power before this flash operation, counted from 0, or so many bytes into it; again for the next cut',
      collect,
    )
    .option('--confirm', 'let the app that boots mark itself valid')
    .option(
      '--bootloader <build>',
      `how the bootloader was built: ${Object.keys(BUILDS).join(', ')} (default: esp-idf)`,
    )
    .option('--secure-version <n>', 'anti-rollback counter in eFuse; the bootloader checks it')
    .option(
      '--efuse <field=value>',
      'burn before power-on: revision, secure-boot, key-digest0, revoke0 …; again for more',
      collect,
    )
    .option('--flash-size <size>', 'size of the flash, as 4MB; what the dump lacks is taken as erased')
    .option('--out <file>', 'write the flash as it is after the last boot')
    .option('--json', 'print the report as JSON')
    .option('--log', "print what the board's console prints")
    .action((dump: string, options: BootOptions, command: Command) =>
      bootDump(dump, options, printer(command)),
    );
}

function bootDump(dump: string, options: BootOptions, print: (text: string) => void): void {
  const boots = parseWhole('--boots', options.boots, 1, BOOTS_MAX);
  const cuts = (options.powerCutAt ?? []).map(parseCut);
  const { build, label } = buildOf(options);
  const given = readInput(dump);
  const sizeBytes =
    options.flashSize === undefined ? undefined : parseByteSize('--flash-size', options.flashSize);
  const contents = flashContents(given, dump, sizeBytes);
  const chip = options.chip === undefined ? guessChip(contents, dump) : parseChip(options.chip);
  refuseMovedTable(contents, dump);
  // A board that ran this bootloader is no older than the bootloader wants it.
  const efuse = burnEfuses(
    chip,
    options.efuse ?? [],
    Math.max(chip.revision, revisionOfBootloader(contents)),
  );
  if (options.secureVersion !== undefined)
    burnSecureVersion(efuse, '--secure-version', options.secureVersion);

  const lent = lacksBootloader(contents, chip);
  // Lent before there is a flash, so that it counts as no operation of it.
  const held = contents.slice();
  if (lent) held.set(defaultBootloader(chip), chip.bootloaderOffset);
  const flash = NorFlash.ofImage(new BlockStore(), held);
  const { confirm = false, log = false } = options;
  const cycles = runPowerCycles({ board: { flash, efuse, build }, boots, cuts, confirm, log });
  if (options.out !== undefined) {
    const after = flash.read(0, flash.sizeBytes);
    if (lent) after.fill(0xff, chip.bootloaderOffset, PARTITION_TABLE_OFFSET);
    writeOutput(options.out, after);
  }
  const notes = lent ? [LENT_BOOTLOADER] : [];
  if (options.json === true) {
    const report = bootReportJson(cycles, log);
    print(jsonOf({ chip: chip.name, flashSizeBytes: flash.sizeBytes, notes, ...report }));
    return;
  }
  const missed = cuts.length - cycles.filter(({ cut }) => cut !== undefined).length;
  const slotCount = readBootTable(flash)?.otaCount ?? 0;
  print(
    linesOf([
      `${dump}: ${describeBoard(efuse)}, ${describeSize(flash.sizeBytes)} flash, ${label}`,
      ...notes,
      ...cycles.flatMap((cycle, index) => ['', ...describeCycle(cycle, index, slotCount)]),
      ...(missed > 0
        ? ['', `${missed} planned power cut(s) did not happen: no such flash operation was begun`]
        : []),
    ]),
  );
}

/** Said loudly, because a chip that holds this dump and nothing else would not start. */
const LENT_BOOTLOADER =
  'there is no second-stage bootloader in this dump: one of ours is lent for these boots, and left out of --out';

/** The place of the bootloader is erased, as in a dump of partitions alone. */
function lacksBootloader(contents: Uint8Array, chip: Chip): boolean {
  const place = contents.subarray(chip.bootloaderOffset, PARTITION_TABLE_OFFSET);
  return place.every((byte) => byte === 0xff);
}

function describeBoard(efuse: Efuse): string {
  const { chip, chipRevision, secureBoot, secureVersion } = efuse;
  return [
    `${chip.label} ${describeRevision(chipRevision)}`,
    ...(secureBoot ? ['secure boot'] : []),
    ...(secureVersion > 0 ? [`secure version ${secureVersion}`] : []),
  ].join(', ');
}

function buildOf({ bootloader, secureVersion }: BootOptions): (typeof BUILDS)[string] {
  const name = bootloader ?? (secureVersion === undefined ? 'esp-idf' : 'anti-rollback');
  const known = Object.hasOwn(BUILDS, name) ? BUILDS[name] : undefined;
  return known ?? rejectUsage(`--bootloader ${name}: known are ${Object.keys(BUILDS).join(', ')}`);
}

function parseCut(text: string): PowerCut {
  const match = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text);
  if (match === null)
    rejectUsage(
      `--power-cut-at ${text}: OP or OP:BYTE is wanted, as 3 or 3:16; operations and bytes count from 0`,
    );
  const operation = Number(match[1]);
  return match[2] === undefined ? { operation } : { operation, byte: Number(match[2]) };
}
