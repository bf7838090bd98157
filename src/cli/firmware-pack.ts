import type { Command } from 'commander';
import { BOOTS_WITHOUT_CONFIRM_MAX } from '../esp/boot-counter.ts';
import { readImageFacts } from '../oci/image-facts.ts';
import { type ChipBuild, packFirmware, pushFirmware } from '../oci/pack.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { type BuildOptions, readBuilds } from './firmware-build.ts';
import { withFailures } from './firmware-command.ts';
import { type EndpointOptions, openEndpoints, PLACE_HELP, withEndpointOptions } from './firmware-endpoint.ts';
import { formatBytes, ProgressLine } from './firmware-progress.ts';
import { parseWhole } from './number-argument.ts';
import { collect, printer } from './parent-command.ts';

interface PackOptions extends BuildOptions, EndpointOptions {
  readonly output: string;
  readonly application?: string;
  readonly appVersion?: string;
  readonly revision?: string;
  readonly rollback: string;
  readonly boots?: string;
  readonly quiet?: boolean;
}

/** Adds `firmware pack`. */
export function registerFirmwarePack(firmware: Command): void {
  const command = firmware
    .command('pack')
    .description('make an artifact of ESP-IDF builds, one target each')
    .argument('[builds...]', 'build folders of ESP-IDF, with their flasher_args.json')
    .requiredOption('-o, --output <place>', `where it goes: ${PLACE_HELP}`)
    .option('--app <[chip=]file>', 'an app image without its build folder; again for more', collect)
    .option('--bootloader <file>', 'bootloader of the one --app')
    .option('--partition-table <file>', 'binary partition table of the one --app')
    .option('--partition <label=file>', 'contents of a partition of the one --app; again for more', collect)
    .option('--sbom <file>', 'bill of materials: SPDX or CycloneDX')
    .option(
      '--delta-from <file>',
      'app image that boards run now: pack a delta from it, too; again for more',
      collect,
    )
    .option('--app-only', 'pack app images alone; the rest of the build is checked and left out')
    .option('--application <name>', 'default: what the images say')
    .option('--app-version <version>', 'default: what the images say')
    .option('--revision <commit>', 'commit of the sources')
    .option('--key-id <name>', 'key batch that the images are signed for')
    .option('--flash-size <size>', 'flash that boards must have, 4MB say; default: what the build says')
    .option('--slot-size <size>', 'smallest app slot of the boards, where no partition table says it')
    .option(
      '--rollback <kind>',
      'what takes a board back that never confirms: esp-idf or boot-counter',
      'esp-idf',
    )
    .option('--boots <count>', 'unconfirmed boots that a boot counter allows; default 1')
    .option('-q, --quiet', 'print the digest alone');
  withEndpointOptions(command).action((builds: string[], options: PackOptions, made: Command) =>
    withFailures(() => pack(builds, options, printer(made))),
  );
}

async function pack(
  folders: readonly string[],
  options: PackOptions,
  print: (text: string) => void,
): Promise<void> {
  const endpoint = openEndpoints(options)(options.output);
  const chips = readBuilds(folders, options);
  const rollback = rollbackOf(options.rollback);
  const packed = packFirmware({
    application: options.application ?? agreed(chips, 'projectName', '--application'),
    version: options.appVersion ?? agreed(chips, 'version', '--app-version'),
    rollback,
    bootsWithoutConfirm: parseWhole('--boots', options.boots ?? '1', 1, BOOTS_WITHOUT_CONFIRM_MAX),
    chips,
    ...(options.revision === undefined ? {} : { revision: options.revision }),
  });
  if (!packed.ok) throw new CommandFailure('refused', packed.refusal.message);
  const { blobs } = packed.value;
  const totalBytes = blobs.reduce((sum, { length }) => sum + length, 0);
  const line = new ProgressLine('packed', options.quiet === true);
  let doneBytes = 0;
  try {
    await pushFirmware(endpoint.registry, endpoint.reference, packed.value, (sizeBytes) => {
      doneBytes += sizeBytes;
      line.update(doneBytes, totalBytes);
    });
  } finally {
    line.clear();
  }
  if (options.quiet !== true)
    for (const { chip, image, parts = [], deltaFrom = [] } of chips)
      print(`${chip}: ${formatBytes(image.length)}, ${parts.length + deltaFrom.length} more layers\n`);
  print(`${packed.value.digest}\n`);
}

function rollbackOf(text: string): 'esp-idf' | 'boot-counter' {
  if (text === 'esp-idf' || text === 'boot-counter') return text;
  return rejectUsage(`--rollback ${text}: esp-idf or boot-counter`);
}

/** What every image says; a person must decide where they differ or say nothing. */
function agreed(chips: readonly ChipBuild[], field: 'projectName' | 'version', option: string): string {
  const said = new Set(
    chips.map(({ image }) => {
      const facts = readImageFacts(image);
      return facts.ok ? (facts.value[field] ?? '') : '';
    }),
  );
  const [only] = said;
  if (only !== undefined && only !== '' && said.size === 1) return only;
  const found = [...said].filter((text) => text !== '').sort();
  const problem = found.length < 2 ? 'the images do not say' : `the images say ${found.join(' and ')}`;
  return rejectUsage(`${problem}; give ${option}`);
}
