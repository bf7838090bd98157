import type { Command } from 'commander';
import { formatPartitionCsv, parsePartitionCsv, subtypeName, typeName } from '../esp/partition-csv.ts';
import {
  checkLayout,
  encodePartitionTable,
  PARTITION_TABLE_OFFSET,
  type PartitionTable,
  parsePartitionTable,
} from '../esp/partition-table.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { readInput, textOf } from './input-file.ts';
import { describeSize, hex, parseByteSize } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { parentCommand, printer } from './parent-command.ts';
import { indentColumns, jsonOf, linesOf, printable } from './text-layout.ts';

const TABLE_SECTOR_SIZE = 0x1000;

interface ShowOptions {
  readonly flashSize?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

interface MakeOptions {
  readonly out: string;
  readonly flashSize?: string;
  readonly md5: boolean;
}

/** Adds `partitions show` and `partitions make`. */
export function registerPartitions(program: Command): void {
  const partitions = parentCommand(program, 'partitions', "ESP-IDF's partition tables");
  partitions
    .command('show')
    .argument('<file>', 'binary table, CSV, or a flash dump')
    .description('print a partition table; exit code 1 when its layout will not work')
    .option('--flash-size <size>', 'flash it must fit, as 4MB')
    .option('--csv', 'print CSV')
    .option('--json', 'print JSON')
    .action((path: string, options: ShowOptions, command: Command) => show(path, options, printer(command)));
  partitions
    .command('make')
    .argument('<file>', 'CSV or binary table')
    .description('make the binary of a CSV, or the CSV of a binary')
    .requiredOption('--out <file>', 'where it goes')
    .option('--flash-size <size>', 'flash it must fit, as 4MB')
    .option('--no-md5', 'leave out the MD5 row, for bootloaders before ESP-IDF 3.1')
    .action(make);
}

interface ReadTable {
  readonly table: PartitionTable;
  readonly form: 'CSV' | 'binary' | 'flash dump';
}

function readTable(path: string): ReadTable {
  const bytes = readInput(path);
  const inDump = bytes.subarray(PARTITION_TABLE_OFFSET, PARTITION_TABLE_OFFSET + TABLE_SECTOR_SIZE);
  const binary = startsTable(bytes) ? bytes : startsTable(inDump) ? inDump : undefined;
  if (binary !== undefined) {
    const parsed = parsePartitionTable(binary);
    if (!parsed.ok) rejectUsage(`${path}: ${parsed.refusal.message}`);
    return { table: parsed.value, form: binary === bytes ? 'binary' : 'flash dump' };
  }
  const text = textOf(bytes);
  if (text === undefined)
    rejectUsage(`${path} is neither a partition table, nor its CSV, nor a flash dump with a table at 0x8000`);
  const parsed = parsePartitionCsv(text);
  if (!parsed.ok) rejectUsage(`${path}: ${printable(parsed.refusal.message)}`);
  return { table: parsed.value, form: 'CSV' };
}

function startsTable(bytes: Uint8Array): boolean {
  return bytes[0] === 0xaa && bytes[1] === 0x50;
}

/** What is wrong with the layout; without a flash size, its end is not looked at. */
function faultsOf(table: PartitionTable, flashSize: string | undefined): string[] {
  const sizeBytes =
    flashSize === undefined ? Number.MAX_SAFE_INTEGER : parseByteSize('--flash-size', flashSize);
  return checkLayout(table, sizeBytes).map(printable);
}

function show(path: string, options: ShowOptions, print: (text: string) => void): void {
  const { table, form } = readTable(path);
  const faults = faultsOf(table, options.flashSize);
  const { partitions, hasMd5 } = table;
  if (options.json === true) {
    const rows = partitions.map((partition) => ({
      ...partition,
      typeName: typeName(partition),
      subtypeName: subtypeName(partition),
    }));
    print(jsonOf({ partitions: rows, hasMd5, faults }));
  } else if (options.csv === true) {
    print(formatPartitionCsv(table));
  } else {
    const end = Math.max(...partitions.map(({ offset, size }) => offset + size));
    const md5 = form === 'CSV' ? '' : hasMd5 ? ', MD5 right' : ', no MD5';
    const rows = partitions.map((partition) => [
      printable(partition.label),
      typeName(partition),
      subtypeName(partition),
      hex(partition.offset, 6),
      hex(partition.size, 6),
      describeSize(partition.size),
      [...(partition.encrypted ? ['encrypted'] : []), ...(partition.readOnly ? ['readonly'] : [])].join(' '),
    ]);
    print(
      linesOf([
        `${path}: ${form}, ${partitions.length} partitions up to ${hex(end)}${md5}`,
        ...indentColumns([['label', 'type', 'subtype', 'offset', 'size', '', ''], ...rows]),
      ]),
    );
  }
  if (faults.length > 0) throw new CommandFailure('refused', `${path}: ${faults.join('; ')}`);
}

function make(path: string, options: MakeOptions, command: Command): void {
  const { table, form } = readTable(path);
  const faults = faultsOf(table, options.flashSize);
  if (faults.length > 0) rejectUsage(`${path}: ${faults.join('; ')}`);
  if (form !== 'CSV') {
    writeOutput(options.out, formatPartitionCsv(table));
  } else {
    writeOutput(options.out, encode(path, { ...table, hasMd5: options.md5 }));
  }
  const made = form === 'CSV' ? 'binary table' : 'CSV';
  printer(command)(`${options.out}: ${made} of ${table.partitions.length} partitions\n`);
}

function encode(path: string, table: PartitionTable): Uint8Array {
  try {
    return encodePartitionTable(table);
  } catch (error) {
    if (error instanceof RangeError) rejectUsage(`${path}: ${error.message}`);
    throw error;
  }
}
