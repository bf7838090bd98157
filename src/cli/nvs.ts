import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { toHex } from '../esp/byte-fields.ts';
import { type NvsContents, type NvsItem, parseNvs } from '../esp/nvs.ts';
import { buildNvs } from '../esp/nvs-build.ts';
import { formatNvsCsv, parseNvsCsv } from '../esp/nvs-csv.ts';
import { NVS_ENTRIES_MAX } from '../esp/nvs-layout.ts';
import { DATA_NVS, DATA_TYPE, type Partition } from '../esp/partition-table.ts';
import { rejectUsage } from './failure.ts';
import { contentsOf, tableOfDump } from './flash-dump.ts';
import { FLASH_SIZE_MAX, readInput, readTextInput } from './input-file.ts';
import { parseByteSize } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { parentCommand, printer } from './parent-command.ts';
import { indentColumns, jsonOf, linesOf, printable } from './text-layout.ts';

const BLOB_SHOWN_BYTES = 32;

interface ShowOptions {
  readonly partition?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** Adds `nvs show` and `nvs make`. */
export function registerNvs(program: Command): void {
  const nvs = parentCommand(program, 'nvs', "ESP-IDF's key-value store");
  nvs
    .command('show')
    .argument('<file>', 'an NVS partition, or a flash dump')
    .description('print what a store holds')
    .option('--partition <label>', 'which one of a dump (default: the first)')
    .option('--csv', "print the CSV of ESP-IDF's generator")
    .option('--json', 'print JSON')
    .action((path: string, options: ShowOptions, command: Command) => {
      const contents = readNvs(path, options.partition);
      const { items } = contents;
      const print = printer(command);
      if (options.json === true) print(jsonOf({ ...contents, items: items.map(itemJson) }));
      else print(options.csv === true ? formatNvsCsv(items) : linesOf(describeNvs(path, contents)));
    });
  nvs
    .command('make')
    .argument('<csv>', "CSV as ESP-IDF's generator takes it: key,type,encoding,value")
    .description('make an NVS partition')
    .requiredOption('--size <bytes>', 'size of the partition, as 0x6000 or 24K')
    .requiredOption('--out <file>', 'where it goes')
    .action((path: string, options: { readonly size: string; readonly out: string }, command: Command) => {
      const items = readCsv(path);
      writeOutput(options.out, build(path, items, parseByteSize('--size', options.size)));
      printer(command)(`${options.out}: NVS with ${items.length} items\n`);
    });
}

function readNvs(path: string, label: string | undefined): NvsContents {
  const file = readInput(path);
  const partition = nvsInDump(path, file, label);
  const bytes = partition === undefined ? file : contentsOf(file, partition);
  const parsed = parseNvs(bytes);
  if (!parsed.ok) rejectUsage(`${path}: ${parsed.refusal.message}; encrypted stores cannot be read`);
  return parsed.value;
}

function nvsInDump(path: string, file: Uint8Array, label: string | undefined): Partition | undefined {
  const table = tableOfDump(file);
  if (table === undefined) {
    if (label !== undefined) rejectUsage(`--partition ${label}: ${path} has no partition table at 0x8000`);
    return undefined;
  }
  const stores = table.partitions.filter(({ type, subtype }) => type === DATA_TYPE && subtype === DATA_NVS);
  const labels = stores.map((store) => printable(store.label)).join(', ');
  const found = label === undefined ? stores[0] : stores.find((store) => store.label === label);
  return (
    found ??
    rejectUsage(`${path} has no NVS partition${label === undefined ? '' : ` ${label}; it has ${labels}`}`)
  );
}

function describeNvs(path: string, { items, pages, damaged }: NvsContents): string[] {
  const rows = items.map((item) => [item.namespace, item.key, item.type, describeValue(item)].map(printable));
  return [
    `${path}: ${items.length} items on ${pages.length} pages`,
    ...indentColumns([['namespace', 'key', 'type', 'value'], ...rows]),
    'pages',
    ...indentColumns(
      pages.map(({ state, sequence, entriesWritten, entriesErased }, index) =>
        state === 'UNINITIALIZED'
          ? [String(index), state]
          : [
              String(index),
              state,
              `sequence ${sequence}`,
              `${entriesWritten} entries of ${NVS_ENTRIES_MAX}`,
              `${entriesErased} erased`,
            ],
      ),
    ),
    ...damaged.map((name) => printable(`damaged: ${name}`)),
  ];
}

function describeValue(item: NvsItem): string {
  if (item.type === 'string') return JSON.stringify(item.value);
  if (item.type !== 'blob') return String(item.value);
  const shown = toHex(item.value.subarray(0, BLOB_SHOWN_BYTES));
  return `${shown}${item.value.length > BLOB_SHOWN_BYTES ? '…' : ''} (${item.value.length} bytes)`;
}

/** Numbers as text, since JSON readers round the large ones; blobs as hex. */
function itemJson(item: NvsItem) {
  return { ...item, value: item.type === 'blob' ? toHex(item.value) : String(item.value) };
}

/** Files a CSV names are looked for from where the command runs, as ESP-IDF's generator does. */
function readCsv(path: string): NvsItem[] {
  const readFile = (name: string) =>
    statSync(name, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(name) : undefined;
  const parsed = parseNvsCsv(readTextInput(path), readFile);
  if (!parsed.ok) rejectUsage(`${path}: ${printable(parsed.refusal.message)}`);
  return parsed.value;
}

function build(path: string, items: readonly NvsItem[], sizeBytes: number): Uint8Array {
  if (sizeBytes > FLASH_SIZE_MAX) rejectUsage(`--size ${sizeBytes}: no flash is that large`);
  try {
    return buildNvs(items, sizeBytes);
  } catch (error) {
    if (error instanceof RangeError) rejectUsage(`${path}: ${error.message}`);
    throw error;
  }
}
