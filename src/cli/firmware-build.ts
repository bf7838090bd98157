import { join } from 'node:path';
import { CHIPS, isChipName } from '../esp/chips.ts';
import { parsePartitionTable } from '../esp/partition-table.ts';
import { chipIdInImage, describeChipId } from '../oci/chip.ts';
import type { FirmwarePart } from '../oci/firmware-layers.ts';
import { type FlashFile, parseFlasherArgs } from '../oci/flasher-args.ts';
import type { ChipBuild } from '../oci/pack.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { readInput } from './input-file.ts';
import { parseByteSize } from './number-argument.ts';

/** What the command line says about targets. */
export interface BuildOptions {
  readonly app?: readonly string[];
  readonly bootloader?: string;
  readonly partitionTable?: string;
  readonly partition?: readonly string[];
  readonly sbom?: string;
  readonly slotSize?: string;
  readonly flashSize?: string;
  readonly keyId?: string;
  readonly appOnly?: boolean;
  readonly deltaFrom?: readonly string[];
}

const FLASHER_ARGS = 'flasher_args.json';
/** Where ESP-IDF puts the table unless configured otherwise. */
const TABLE_OFFSET = 0x8000;

/** Targets of build folders and files, in the order given. Fails as `usage` and as `refused`. */
export function readBuilds(folders: readonly string[], options: BuildOptions): readonly ChipBuild[] {
  const apps = options.app ?? [];
  const count = folders.length + apps.length;
  if (count === 0) rejectUsage('nothing to pack: give build folders of ESP-IDF, or --app FILE');
  const { bootloader, partitionTable, partition = [], sbom } = options;
  const isDetailed = bootloader !== undefined || partitionTable !== undefined || partition.length > 0;
  if (isDetailed && (folders.length > 0 || apps.length !== 1))
    rejectUsage(
      '--bootloader, --partition-table and --partition belong to a single --app; build folders bring theirs',
    );
  const bom: readonly FirmwarePart[] = sbom === undefined ? [] : [{ kind: 'sbom', bytes: readInput(sbom) }];
  const slotSizeBytes = optionalSize('--slot-size', options.slotSize);
  const flashSizeBytes = optionalSize('--flash-size', options.flashSize);
  const common = {
    ...(slotSizeBytes === undefined ? {} : { slotSizeBytes }),
    ...(flashSizeBytes === undefined ? {} : { flashSizeBytes }),
    ...(options.keyId === undefined ? {} : { keyId: options.keyId }),
  };
  const builds: readonly ChipBuild[] = [
    ...folders.map((folder) => ({ ...readFolder(folder), ...common })),
    ...apps.map((app) => ({ ...readApp(app, options), ...common })),
  ];
  const bases = (options.deltaFrom ?? []).map((file) => readBase(file, builds));
  return builds.map(({ parts = [], ...build }) => ({
    ...build,
    deltaFrom: bases.filter(({ chip }) => chip === build.chip).map(({ image }) => image),
    ...(options.appOnly === true ? { parts: bom, partsAround: parts } : { parts: [...parts, ...bom] }),
  }));
}

/** An app image that boards may run now; its header says of which targets. */
function readBase(file: string, builds: readonly ChipBuild[]): { chip: string; image: Uint8Array } {
  const image = readInput(file);
  const chipId = chipIdInImage(image);
  if (chipId === undefined)
    throw new CommandFailure('refused', `${file} is not an app image of ESP-IDF (byte 0 is not 0xe9)`);
  const chip = describeChipId(chipId);
  if (!builds.some((build) => build.chip === chip))
    throw new CommandFailure('refused', `--delta-from ${file}: is for ${chip}, which is not packed here`);
  return { chip, image };
}

/** A build folder of ESP-IDF: everything that `flasher_args.json` lists. */
function readFolder(folder: string): ChipBuild {
  const file = join(folder, FLASHER_ARGS);
  const args = parseFlasherArgs(readInput(file));
  if (!args.ok) throw new CommandFailure('refused', `${file}: ${args.refusal.message}`);
  const { chip, files, flashSizeBytes } = args.value;
  const bytesOf = ({ file: name }: FlashFile) => readInput(join(folder, name));
  const app = files.find(({ name }) => name === 'app');
  const table = files.find(({ name }) => name === 'partition-table');
  if (app === undefined) throw new CommandFailure('refused', `${file}: app is missing`);
  const labels = table === undefined ? new Map<number, string>() : labelsIn(bytesOf(table));
  const parts = files
    .filter(({ name }) => name !== 'app')
    .map((entry): FirmwarePart => {
      const { name, offsetBytes } = entry;
      const bytes = bytesOf(entry);
      if (name === 'bootloader' || name === 'partition-table') return { kind: name, offsetBytes, bytes };
      // The build names files after what made them; the partition at that place has the label.
      return { kind: 'partition', label: labels.get(offsetBytes) ?? name, offsetBytes, bytes };
    });
  return {
    chip,
    image: bytesOf(app),
    parts,
    ...(flashSizeBytes === undefined ? {} : { flashSizeBytes }),
  };
}

/** `FILE` or `CHIP=FILE`. */
function readApp(app: string, options: BuildOptions): ChipBuild {
  const equals = app.indexOf('=');
  const file = app.slice(equals + 1);
  const image = readInput(file);
  const chipId = chipIdInImage(image);
  if (chipId === undefined)
    throw new CommandFailure('refused', `${file} is not an app image of ESP-IDF (byte 0 is not 0xe9)`);
  const chip = equals > 0 ? app.slice(0, equals) : describeChipId(chipId);
  return { chip, image, parts: partsOf(chip, options) };
}

function partsOf(chip: string, options: BuildOptions): readonly FirmwarePart[] {
  const { bootloader, partitionTable, partition = [] } = options;
  const parts: FirmwarePart[] = [];
  if (bootloader !== undefined) {
    const offsetBytes = isChipName(chip) ? CHIPS[chip].bootloaderOffset : 0;
    parts.push({ kind: 'bootloader', offsetBytes, bytes: readInput(bootloader) });
  }
  const table = partitionTable === undefined ? undefined : readInput(partitionTable);
  if (table !== undefined) parts.push({ kind: 'partition-table', offsetBytes: TABLE_OFFSET, bytes: table });
  for (const setting of partition) {
    const equals = setting.indexOf('=');
    const label = setting.slice(0, Math.max(equals, 0));
    if (table === undefined || label === '')
      rejectUsage(`--partition ${setting}: write LABEL=FILE, with --partition-table`);
    const place = [...labelsIn(table)].find(([, known]) => known === label);
    if (place === undefined)
      throw new CommandFailure('refused', `--partition ${setting}: the partition table has no ${label}`);
    const bytes = readInput(setting.slice(equals + 1));
    parts.push({ kind: 'partition', label, offsetBytes: place[0], bytes });
  }
  return parts;
}

/** Labels by offset; empty for a table that cannot be read, which packing refuses with the reason. */
function labelsIn(table: Uint8Array): Map<number, string> {
  const parsed = parsePartitionTable(table);
  const rows = parsed.ok ? parsed.value.partitions : [];
  return new Map(rows.map(({ offset, label }) => [offset, label]));
}

function optionalSize(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseByteSize(option, text);
}
