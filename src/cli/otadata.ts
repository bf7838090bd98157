import type { Command } from 'commander';
import { makeBootCounterLabel, readBootCounter } from '../esp/boot-counter.ts';
import {
  activeEntry,
  decodeOtadataEntry,
  encodeOtadataEntry,
  hasRightCrc,
  isUsable,
  makeOtadataEntry,
  OTA_STATES,
  OTADATA_ENTRY_SIZE,
  OTADATA_SIZE,
  type OtadataPair,
  type OtaStateName,
  SEQUENCE_UNSET,
  sequenceForSlot,
  slotOfSequence,
  stateName,
} from '../esp/otadata.ts';
import { DATA_OTA, DATA_TYPE, findPartition, otaSlots } from '../esp/partition-table.ts';
import { rejectUsage } from './command-failure.ts';
import { contentsOf, tableOfDump } from './flash-dump.ts';
import { readInput } from './input-file.ts';
import { hex, parseWhole } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { parentCommand, printer } from './parent-command.ts';
import { alignColumns, jsonOf, linesOf } from './text-layout.ts';

const SECTOR_SIZE = OTADATA_SIZE / 2;
const SLOTS_MAX = 16;
const SLOTS_USUAL = '2';

interface MakeOptions {
  readonly slot: string;
  readonly state: string;
  readonly seq?: string;
  readonly slots?: string;
  readonly from?: string;
  readonly bootsWithoutConfirm?: string;
  readonly out: string;
}

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

interface ReadPair {
  /** The whole partition. */
  readonly bytes: Uint8Array;
  readonly pair: OtadataPair;
  readonly slotCount: number;
}

function readPair(path: string, slots: string | undefined): ReadPair {
  const file = readInput(path);
  const table = file.length === OTADATA_SIZE ? undefined : tableOfDump(file);
  const partition = table === undefined ? undefined : findPartition(table, DATA_TYPE, DATA_OTA);
  if (table !== undefined && partition === undefined)
    rejectUsage(`${path}: its partition table has no otadata`);
  const bytes = partition === undefined ? file : contentsOf(file, partition);
  if (bytes.length !== OTADATA_SIZE)
    rejectUsage(
      `${path} has ${file.length} bytes: neither otadata, which has ${OTADATA_SIZE}, nor a flash dump with a partition table at 0x8000`,
    );
  const slotCount = slots === undefined && table !== undefined ? otaSlots(table).length : countOf(slots);
  return { bytes, pair: pairIn(bytes), slotCount };
}

function pairIn(bytes: Uint8Array): OtadataPair {
  const entry = (sector: number) => {
    const start = sector * SECTOR_SIZE;
    return decodeOtadataEntry(bytes.subarray(start, start + OTADATA_ENTRY_SIZE));
  };
  return [entry(0), entry(1)];
}

function countOf(slots = SLOTS_USUAL): number {
  return parseWhole('--slots', slots, 1, SLOTS_MAX);
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
    ...alignColumns([['sector', 'sequence', 'slot', 'state', 'crc'], ...rows], '  '),
  ];
}

function slotIn(sequence: number, slotCount: number): string | undefined {
  return sequence === SEQUENCE_UNSET || slotCount === 0
    ? undefined
    : `ota_${slotOfSequence(sequence, slotCount)}`;
}

/** The partition after the slot was selected. The rules are those of esp_ota_set_boot_partition. */
function makeOtadata(options: MakeOptions): Uint8Array {
  const known = options.from === undefined ? undefined : readPair(options.from, options.slots);
  const bytes = known?.bytes.slice() ?? new Uint8Array(OTADATA_SIZE).fill(0xff);
  if (options.slot === 'factory') return bytes.fill(0xff);
  const slotCount = known?.slotCount ?? countOf(options.slots);
  const slot = Number(/^ota_(\d{1,2})$/.exec(options.slot)?.[1] ?? Number.NaN);
  if (!(slot < slotCount))
    rejectUsage(
      `--slot ${options.slot}: factory or ota_0 to ota_${slotCount - 1}; --slots says how many there are`,
    );
  const { state } = options;
  if (!Object.hasOwn(OTA_STATES, state))
    rejectUsage(`--state ${state}: known are ${Object.keys(OTA_STATES).join(', ')}`);

  const pair = pairIn(bytes);
  const active = activeEntry(pair);
  const current = active === undefined ? 0 : pair[active].sequence;
  const sequence =
    options.seq === undefined
      ? sequenceForSlot(Math.max(1, current), slot, slotCount)
      : parseWhole('--seq', options.seq, 1, SEQUENCE_UNSET - 1);
  if (slotOfSequence(sequence, slotCount) !== slot)
    rejectUsage(
      `--seq ${sequence} names ota_${slotOfSequence(sequence, slotCount)} of ${slotCount} slots, not ${options.slot}`,
    );
  const sector = active === undefined ? 0 : sequence === current ? active : 1 - active;
  const label =
    options.bootsWithoutConfirm === undefined
      ? undefined
      : makeBootCounterLabel(parseWhole('--boots-without-confirm', options.bootsWithoutConfirm, 1, 136));
  const start = sector * SECTOR_SIZE;
  bytes.fill(0xff, start, start + SECTOR_SIZE);
  bytes.set(encodeOtadataEntry(makeOtadataEntry(sequence, state as OtaStateName, label)), start);
  return bytes;
}
