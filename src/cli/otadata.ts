import type { Command } from 'commander';
import { readBootCounter } from '../esp/boot-counter.ts';
import {
  activeEntry,
  hasRightCrc,
  isUsable,
  OTA_STATES,
  type OtadataPair,
  SEQUENCE_UNSET,
  slotOfSequence,
  stateName,
} from '../esp/otadata.ts';
import { hex } from './number-argument.ts';
import { readPair } from './otadata-file.ts';
import { type MakeOptions, makeOtadata } from './otadata-make.ts';
import { writeOutput } from './output-file.ts';
import { parentCommand, printer } from './parent-command.ts';
import { indentColumns, jsonOf, linesOf } from './text-layout.ts';

/** Adds `otadata show` and `otadata make`. */
export function registerOtadata(program: Command): void {
  const otadata = parentCommand(program, 'otadata', 'which slot is to boot, as ESP-IDF keeps it');
  otadata
    .command('show')
    .argument('<file>', 'an otadata partition, or a flash dump')
    .description('print both entries, and which one is in force')
    .option('--slots <n>', 'number of OTA slots; a dump says it itself (default: 2)')
    .option('--json', 'print JSON')
    .action(
      (path: string, options: { readonly slots?: string; readonly json?: boolean }, command: Command) => {
        const { pair, slotCount } = readPair(path, options.slots);
        printer(command)(
          options.json === true
            ? jsonOf(pairJson(pair, slotCount))
            : linesOf(describePair(path, pair, slotCount)),
        );
      },
    );
  otadata
    .command('make')
    .description('make an otadata partition that selects a slot')
    .requiredOption('--slot <name>', 'ota_0, ota_1 …, or factory for erased otadata')
    .option('--state <name>', `state of the entry: ${Object.keys(OTA_STATES).join(', ')}`, 'VALID')
    .option('--seq <n>', 'sequence number; by default the next one that names the slot')
    .option('--slots <n>', 'number of OTA slots (default: 2)')
    .option('--from <file>', 'otadata or flash dump to go on from, as esp_ota_set_boot_partition does')
    .option(
      '--boots-without-confirm <n>',
      "grant so many boots, for bootloaders with brickproof's boot counter",
    )
    .requiredOption('--out <file>', 'where it goes')
    .action((options: MakeOptions, command: Command) => {
      writeOutput(options.out, makeOtadata(options));
      printer(command)(`${options.out}: otadata for ${options.slot}\n`);
    });
}

function pairJson(pair: OtadataPair, slotCount: number) {
  return {
    slots: slotCount,
    inForce: activeEntry(pair) ?? null,
    entries: pair.map((entry) => ({
      sequence: entry.sequence,
      slot: slotIn(entry.sequence, slotCount) ?? null,
      state: stateName(entry.state) ?? entry.state,
      crc: entry.crc,
      crcRight: hasRightCrc(entry),
      usable: isUsable(entry),
      bootCounter: readBootCounter(entry.label) ?? null,
    })),
  };
}

function describePair(path: string, pair: OtadataPair, slotCount: number): string[] {
  const active = activeEntry(pair);
  const rows = pair.map((entry, sector) => {
    if (entry.sequence === SEQUENCE_UNSET) return [String(sector), 'erased'];
    const counter = readBootCounter(entry.label);
    return [
      String(sector),
      String(entry.sequence),
      slotIn(entry.sequence, slotCount) ?? '',
      stateName(entry.state) ?? hex(entry.state, 8),
      `${hex(entry.crc, 8)} ${hasRightCrc(entry) ? 'right' : 'wrong'}`,
      ...(counter === undefined ? [] : [`${counter.bootsBegun} of ${counter.bootsWithoutConfirm} boots`]),
      ...(active === sector ? ['in force'] : []),
    ];
  });
  return [
    `${path}: otadata for ${slotCount} slots, ${active === undefined ? 'no entry usable' : `entry ${active} in force`}`,
    ...indentColumns([['sector', 'sequence', 'slot', 'state', 'crc'], ...rows]),
  ];
}

function slotIn(sequence: number, slotCount: number): string | undefined {
  return sequence === SEQUENCE_UNSET || slotCount === 0
    ? undefined
    : `ota_${slotOfSequence(sequence, slotCount)}`;
}
