import type { Command } from 'commander';
import { type CopyReport, copyArtifact } from '../oci/copy.ts';
import { fetchForChip, resolveFirmware } from '../oci/fetch-firmware.ts';
import { rejectUsage } from './failure.ts';
import { withFailures } from './firmware-command.ts';
import {
  type Endpoint,
  type EndpointOptions,
  openEndpoints,
  PLACE_HELP,
  parallelOf,
  withEndpointOptions,
} from './firmware-endpoint.ts';
import { formatBytes, ProgressLine } from './firmware-progress.ts';
import { parseWhole } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { collect, printer } from './parent-command.ts';

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
    command.action((from: string, to: string, options: TransferOptions, made: Command) =>
      withFailures(() => transfer(from, to, options, printer(made))),
    );
  pull.action((from: string, to: string, options: PullOptions, made: Command) => {
    const act = options.chip === undefined ? pullAll : pullImage;
    return withFailures(() => act(from, to, options, printer(made)));
  });
}

type Print = (text: string) => void;

async function transfer(from: string, to: string, options: TransferOptions, print: Print): Promise<void> {
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
    print(
      `${sent} blobs sent (${formatBytes(report.sentBytes)}), ${mounted} mounted, ${present} already there; ${report.manifests} manifests\n`,
    );
  }
  print(`${report.digest}\n`);
}

function pullAll(from: string, to: string, options: PullOptions, print: Print): Promise<void> {
  // Any file name is a reference as well: to Docker Hub, where nobody meant it to go.
  if (!to.startsWith('oci:'))
    rejectUsage(`${to}: write oci:FOLDER[:TAG], or say with --chip whose app image goes into a file`);
  return transfer(from, to, options, print);
}

async function pullImage(from: string, file: string, options: PullOptions, print: Print): Promise<void> {
  if (file.startsWith('oci:')) rejectUsage(`${file}: with --chip a file is written, not an image layout`);
  const source: Endpoint = openEndpoints(options)(from);
  const { chip = '', chipRevision, keyId } = options;
  const resolved = await resolveFirmware(source, source.text);
  const { image, imageDigest, meta } = await fetchForChip(source, resolved, {
    chip,
    ...(chipRevision === undefined
      ? {}
      : { chipRevision: parseWhole('--chip-revision', chipRevision, 0, 65_535) }),
    ...(keyId === undefined ? {} : { keyIds: keyId }),
  });
  writeOutput(file, image);
  if (options.quiet !== true && meta !== undefined)
    print(`${meta.application} ${meta.version} for ${meta.chip}: ${formatBytes(image.length)}\n`);
  print(`${imageDigest}\n`);
}
