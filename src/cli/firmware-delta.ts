import type { Command } from 'commander';
import { createPatch } from '../delta/create-patch.ts';
import { DELTA_HEADER_BYTES, deltaBaseOf, parseDeltaHeader } from '../delta/delta-file.ts';
import { WINDOW_BITS_MAX } from '../delta/heatshrink-decoder.ts';
import type { PatchCompression } from '../delta/patch-format.ts';
import { PatchReader } from '../delta/patch-reader.ts';
import { bytesEqual } from '../esp/byte-fields.ts';
import { describeChipId } from '../oci/chip.ts';
import { digestOf } from '../oci/digest.ts';
import { fetchForChip, resolveFirmware } from '../oci/fetch-firmware.ts';
import { readImageFacts } from '../oci/image-facts.ts';
import { packDelta } from '../oci/pack-delta.ts';
import { pushDelta } from '../oci/push-delta.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { firmwareCommand, given, withFailures } from './firmware-command.ts';
import { type EndpointOptions, openEndpoints, withEndpointOptions } from './firmware-endpoint.ts';
import { FLASH_SIZE_MAX, readInput } from './input-file.ts';
import { writeOutput } from './output-file.ts';
import { parentCommand, printer } from './parent-command.ts';

const COMPRESSIONS: readonly PatchCompression[] = ['none', 'crle', 'heatshrink'];

type Print = (text: string) => void;

/** Adds `firmware delta create`, `apply` and `push`. */
export function registerFirmwareDelta(program: Command): void {
  const firmware = firmwareCommand(program);
  const delta = parentCommand(firmware, 'delta', "delta updates, in the format of Espressif's esp_delta_ota");
  delta
    .command('create')
    .argument('<base>', 'app image that boards run')
    .argument('<image>', 'app image that they shall run')
    .description('make a delta')
    .requiredOption('--out <file>', 'where the delta goes')
    .option('--patch-only', "without esp_delta_ota's header: what detools calls a patch; any two files do")
    .option('--compression <name>', 'of --patch-only: none, crle or heatshrink', 'heatshrink')
    .action((base: string, image: string, flags: CreateFlags, command: Command) =>
      create(base, image, flags, printer(command)),
    );
  delta
    .command('apply')
    .argument('<base>', 'what the delta was made for, or the slot it runs in')
    .argument('<delta>', 'a delta, or a detools patch of type sequential')
    .description('make the image of a delta; exit code 1 when the delta is refused')
    .requiredOption('--out <file>', 'where the image goes')
    .option('--digest <digest>', 'what the image must be, as sha256:…')
    .action((base: string, file: string, flags: ApplyFlags, command: Command) =>
      apply(base, file, flags, printer(command)),
    );
  const push = delta
    .command('push')
    .argument('<reference>', 'firmware in a registry')
    .description('make a delta to firmware and attach it there; the firmware keeps its digest')
    .requiredOption('--base <file>', 'app image that boards run');
  withEndpointOptions(push).action((reference: string, flags: PushFlags, command: Command) =>
    attach(reference, flags, printer(command)),
  );
  delta.addHelpText(
    'after',
    `
Examples:
  $ npx brickproof firmware delta create build-1.4.0.bin build-1.4.1.bin --out thermo.delta
  $ npx brickproof firmware delta apply build-1.4.0.bin thermo.delta --out made.bin
  $ npx brickproof firmware delta push registry.local/fleet/thermo:1.4.1 --base build-1.4.0.bin
`,
  );
}

interface CreateFlags {
  readonly out: string;
  readonly patchOnly?: boolean;
  readonly compression: string;
}

function create(basePath: string, imagePath: string, flags: CreateFlags, print: Print): void {
  const compression = COMPRESSIONS.find((name) => name === flags.compression);
  if (compression === undefined)
    rejectUsage(`--compression ${flags.compression}: only ${COMPRESSIONS.join(', ')} are written`);
  if (compression !== 'heatshrink' && flags.patchOnly !== true)
    rejectUsage(`--compression ${compression}: boards take heatshrink only; say --patch-only for another`);
  const base = readInput(basePath);
  const image = readInput(imagePath);
  const bytes =
    flags.patchOnly === true
      ? createPatch(base, image, compression)
      : given('delta', packDelta(base, image)).bytes;
  writeOutput(flags.out, bytes);
  print(`${flags.out}: ${describeSaving(bytes.length, image.length)}\n`);
}

interface ApplyFlags {
  readonly out: string;
  readonly digest?: string;
}

function apply(basePath: string, deltaPath: string, flags: ApplyFlags, print: Print): void {
  const base = readInput(basePath);
  const bytes = readInput(deltaPath);
  const header = parseDeltaHeader(bytes);
  if (header.ok && !isBase(base, header.value))
    throw new CommandFailure(
      'refused',
      `${deltaPath}: wrong-base: was made for another image than ${basePath}`,
    );
  const written: Uint8Array[] = [];
  const reader = new PatchReader(
    {
      baseBytes: base.length,
      readBase: (offset, length) => base.subarray(offset, offset + length),
      write: (sector) => written.push(sector) > 0,
    },
    { targetBytesMax: FLASH_SIZE_MAX, windowBitsMax: WINDOW_BITS_MAX },
  );
  reader.push(header.ok ? bytes.subarray(DELTA_HEADER_BYTES) : bytes);
  const refusal = reader.finish();
  if (refusal !== undefined)
    throw new CommandFailure('refused', `${deltaPath}: ${refusal.code}: ${refusal.message}`);
  const image = new Uint8Array(Buffer.concat(written));
  const digest = digestOf(image);
  if (flags.digest !== undefined && flags.digest !== digest)
    throw new CommandFailure('refused', `${deltaPath}: wrong-result: makes ${digest}, not ${flags.digest}`);
  writeOutput(flags.out, image);
  print(`${flags.out}: ${image.length} bytes, ${digest}\n`);
}

function isBase(image: Uint8Array, validationHash: Uint8Array): boolean {
  const base = deltaBaseOf(image);
  return base !== undefined && bytesEqual(base.validationHash, validationHash);
}

interface PushFlags extends EndpointOptions {
  readonly base: string;
}

async function attach(place: string, flags: PushFlags, print: Print): Promise<void> {
  const base = readInput(flags.base);
  const facts = given(flags.base, readImageFacts(base));
  // Boards that run the base trust the key that signed it: of several targets theirs is meant.
  const keys = facts.keyId === undefined ? {} : { keyIds: [facts.keyId] };
  const board = { chip: describeChipId(facts.chipId), ...keys };
  const { registry, repository, firmware } = await withFailures(async () => {
    const { registry, text } = openEndpoints(flags)(place);
    const resolved = await resolveFirmware({ registry }, text);
    const firmware = await fetchForChip({ registry }, resolved, board);
    return { registry, repository: resolved.repository, firmware };
  });
  if (firmware.meta === undefined)
    rejectUsage(`${place} is a container image; deltas are attached to firmware artifacts`);
  const packed = given(flags.base, packDelta(base, firmware.image));
  const digest = await withFailures(() => pushDelta(registry, repository, firmware, packed));
  const saving = describeSaving(packed.bytes.length, firmware.image.length);
  print(`attached ${digest} to ${firmware.manifestDigest}: from ${packed.from}, ${saving}\n`);
}

function describeSaving(deltaBytes: number, imageBytes: number): string {
  return `${deltaBytes} bytes, ${((100 * deltaBytes) / imageBytes).toFixed(1)} % of the image`;
}
