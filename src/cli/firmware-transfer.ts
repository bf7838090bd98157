import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type CopyReport, copyArtifact } from '../oci/copy.ts';
import { fetchForChip, resolveFirmware } from '../oci/fetch-firmware.ts';
import { CommandError, collect, EXIT, runCommand } from './firmware-command.ts';
import {
  type Endpoint,
  type EndpointOptions,
  openEndpoints,
  PLACE_HELP,
  parallelOf,
  withEndpointOptions,
} from './firmware-endpoint.ts';
import { formatBytes, ProgressLine } from './firmware-progress.ts';

interface TransferOptions extends EndpointOptions {
  readonly referrers?: boolean;
  readonly quiet?: boolean;
}

interface PullOptions extends TransferOptions {
  readonly chip?: string;
  readonly chipRevision?: string;
  readonly keyId?: readonly string[];
}

/** Adds `firmware push`, `firmware pull` and `firmware copy`. */
export function registerFirmwareTransfer(firmware: Command): void {
  const push = firmware
    .command('push')
    .description('send a packed artifact to a registry')
    .argument('<from>', 'oci:FOLDER[:TAG]')
    .argument('<to>', 'HOST/NAME:TAG');
  const copy = firmware
    .command('copy')
    .description('copy an artifact, digests unchanged')
    .argument('<from>', PLACE_HELP)
    .argument('<to>', PLACE_HELP);
  const pull = firmware
    .command('pull')
    .description('fetch an artifact into a folder, or the app image of one chip into a file')
    .argument('<from>', 'HOST/NAME:TAG')
    .argument('<to>', 'oci:FOLDER[:TAG]; a file with --chip')
    .option('--chip <name>', 'fetch the app image for this chip and nothing else')
    .option('--chip-revision <number>', 'of the board, major × 100 + minor, where targets differ in it')
    .option('--key-id <id>', 'key that the board trusts, where targets differ in it', collect);
  for (const command of [push, copy, pull])
    withEndpointOptions(command)
      .option('--referrers', 'take signatures and whatever else points at it along')
      .option('-q, --quiet', 'print the digest alone');
  for (const command of [push, copy])
    command.action((from: string, to: string, options: TransferOptions) =>
      runCommand(() => transfer(from, to, options)),
    );
  pull.action((from: string, to: string, options: PullOptions) =>
    runCommand(() =>
      options.chip === undefined ? transfer(from, to, options) : pullImage(from, to, options),
    ),
  );
}

async function transfer(from: string, to: string, options: TransferOptions): Promise<void> {
  const open = openEndpoints(options);
  const [source, target] = [open(from), open(to)];
  const line = new ProgressLine('copied', options.quiet === true);
  let report: CopyReport;
  try {
    report = await copyArtifact(source, target, {
      parallel: parallelOf(options),
      referrers: options.referrers === true,
      onProgress: line.onCopy,
    });
  } finally {
    line.clear();
  }
  if (options.quiet !== true) {
    const { sent, mounted, present } = report.blobs;
    process.stdout.write(
      `${sent} blobs sent (${formatBytes(report.sentBytes)}), ${mounted} mounted, ${present} already there; ${report.manifests} manifests\n`,
    );
  }
  process.stdout.write(`${report.digest}\n`);
}

async function pullImage(from: string, file: string, options: PullOptions): Promise<void> {
  if (file.startsWith('oci:'))
    throw new CommandError(EXIT.usage, `${file}: with --chip a file is written, not an image layout`);
  const source: Endpoint = openEndpoints(options)(from);
  const { chip = '', chipRevision, keyId } = options;
  if (chipRevision !== undefined && !/^\d{1,5}$/.test(chipRevision))
    throw new CommandError(EXIT.usage, `--chip-revision ${chipRevision}: major × 100 + minor is wanted`);
  const resolved = await resolveFirmware(source, source.text);
  const { image, imageDigest, meta } = await fetchForChip(source, resolved, {
    chip,
    ...(chipRevision === undefined ? {} : { chipRevision: Number(chipRevision) }),
    ...(keyId === undefined ? {} : { keyIds: keyId }),
  });
  try {
    writeFileSync(file, image);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CommandError(EXIT.cannotCreate, `${file} cannot be written: ${code}`);
  }
  if (options.quiet !== true && meta !== undefined)
    process.stdout.write(
      `${meta.application} ${meta.version} for ${meta.chip}: ${formatBytes(image.length)}\n`,
    );
  process.stdout.write(`${imageDigest}\n`);
}
