import type { Command } from 'commander';
import { compareFirmware, nameOfLayer, type TargetChange } from '../oci/compare-firmware.ts';
import { shortDigest } from '../oci/digest.ts';
import { type FirmwareListing, listFirmware } from '../oci/list-firmware.ts';
import { CommandFailure } from './failure.ts';
import { withFailures } from './firmware-command.ts';
import { type EndpointOptions, openEndpoints, PLACE_HELP, withEndpointOptions } from './firmware-endpoint.ts';
import { formatBytes } from './firmware-progress.ts';
import { printer } from './parent-command.ts';
import { jsonOf, linesOf, printable } from './text-layout.ts';

interface ReadOptions extends EndpointOptions {
  readonly json?: boolean;
  readonly exitCode?: boolean;
}

/** Adds `firmware inspect` and `firmware diff`, which fetch manifests and no image. */
export function registerFirmwareInspect(firmware: Command): void {
  withEndpointOptions(firmware.command('inspect').description('show what an artifact holds'))
    .argument('<place>', PLACE_HELP)
    .option('--json', 'for programs')
    .action((place: string, options: ReadOptions, made: Command) =>
      withFailures(() => inspect(place, options, printer(made))),
    );
  withEndpointOptions(
    firmware.command('diff').description('show what changed, and what each board would fetch'),
  )
    .argument('<before>', PLACE_HELP)
    .argument('<after>', PLACE_HELP)
    .option('--json', 'for programs')
    .option('--exit-code', 'end with 1 when there is a difference')
    .action((before: string, after: string, options: ReadOptions, made: Command) =>
      withFailures(() => diff(before, after, options, printer(made))),
    );
}

type Print = (text: string) => void;

async function inspect(place: string, options: ReadOptions, print: Print): Promise<void> {
  const source = openEndpoints(options)(place);
  const listing = await listFirmware(source, source.text);
  print(options.json === true ? jsonOf(listing) : describe(listing));
}

function describe({ digest, artifactType, annotations, targets }: FirmwareListing): string {
  const lines = [`digest ${digest}`, `type   ${artifactType ?? 'container image with firmware'}`];
  for (const [name, value] of Object.entries(annotations).sort()) lines.push(`${name} = ${value}`);
  for (const target of targets) {
    lines.push('', target.name, `  manifest ${target.descriptor.digest}`);
    for (const layer of target.layers)
      lines.push(
        `  ${nameOfLayer(layer)}: ${formatBytes(layer.size)}, ${layer.digest.split(':', 1)[0]}:${shortDigest(layer.digest)}`,
      );
    for (const { digest: delta, from, size } of target.deltas)
      if (!target.layers.some((layer) => layer.digest === delta))
        lines.push(
          `  attached delta from ${shortDigest(from)}: ${formatBytes(size)}, sha256:${shortDigest(delta)}`,
        );
    for (const [name, value] of Object.entries(target.annotations).sort()) lines.push(`  ${name} = ${value}`);
  }
  return linesOf(lines.map(printable));
}

async function diff(before: string, after: string, options: ReadOptions, print: Print): Promise<void> {
  const open = openEndpoints(options);
  const listings = [];
  for (const source of [open(before), open(after)]) listings.push(await listFirmware(source, source.text));
  const [old, now] = listings as [FirmwareListing, FirmwareListing];
  const changes = compareFirmware(old, now);
  print(options.json === true ? jsonOf(changes) : changes.map(describeChange).join(''));
  if (options.exitCode === true && changes.some(({ change }) => change !== 'same'))
    throw new CommandFailure('refused', `${before} and ${after} differ`);
}

function describeChange(changed: TargetChange): string {
  const { target, change, layers, annotations, updateBytes, deltaBytes } = changed;
  const instead = deltaBytes === undefined ? '' : `, or a delta of ${formatBytes(deltaBytes)}`;
  const lines = [`${target}: ${change}, a board fetches ${formatBytes(updateBytes)}${instead}`];
  for (const { layer, change: how, beforeBytes, afterBytes } of layers) {
    if (how === 'same') continue;
    const sizes = [beforeBytes, afterBytes].filter((size) => size !== undefined).map(formatBytes);
    lines.push(`  ${layer}: ${how}, ${sizes.join(' to ')}`);
  }
  for (const { name, before = '(none)', after = '(none)' } of annotations)
    lines.push(`  ${name}: ${before} to ${after}`);
  return linesOf(lines.map(printable));
}
