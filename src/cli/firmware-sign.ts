import type { Command } from 'commander';
import { resolveFirmware } from '../oci/fetch-firmware.ts';
import { pinReference } from '../oci/reference.ts';
import { signFirmware } from '../oci/signature/sign-firmware.ts';
import { parseInstant } from '../oci/signature/signed-claim.ts';
import { readSigningKey } from '../oci/signature/signing-key.ts';
import { rejectUsage } from './failure.ts';
import { firmwareCommand, given, withFailures } from './firmware-command.ts';
import { type EndpointOptions, openEndpoints, withEndpointOptions } from './firmware-endpoint.ts';
import { readTextInput } from './input-file.ts';
import { collect, printer } from './parent-command.ts';

interface SignFlags extends EndpointOptions {
  readonly key: string;
  readonly annotation?: readonly string[];
  readonly expires?: string;
  readonly json?: boolean;
}

/** Adds `firmware sign`. */
export function registerFirmwareSign(program: Command): void {
  const firmware = firmwareCommand(program);
  const sign = firmware
    .command('sign')
    .argument('<reference>', 'firmware in a registry; a tag is looked up once')
    .description('sign firmware, for brickproof and for cosign verify --key')
    .requiredOption('--key <pem>', 'private key: ECDSA P-256 or Ed25519, PKCS #8 or cosign.key')
    .option('--annotation <key=value>', 'signed along; again for more', collect)
    .option('--expires <time>', 'the signature counts until then, as 2027-01-31T00:00:00Z')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The passphrase of an encrypted key is read from BRICKPROOF_KEY_PASSPHRASE, or COSIGN_PASSWORD.

Examples:
  $ npx brickproof firmware sign registry.local/fleet/thermo:1.4.1 --key release.pem
  $ COSIGN_PASSWORD=… npx brickproof firmware sign localhost:5000/fleet/thermo:1.4.1 --key cosign.key
`,
    );
  withEndpointOptions(sign).action((reference: string, flags: SignFlags, command: Command) =>
    signCommand(reference, flags, printer(command)),
  );
}

async function signCommand(place: string, flags: SignFlags, print: (text: string) => void): Promise<void> {
  const { BRICKPROOF_KEY_PASSPHRASE, COSIGN_PASSWORD } = process.env;
  const key = given(
    flags.key,
    readSigningKey(readTextInput(flags.key), BRICKPROOF_KEY_PASSPHRASE ?? COSIGN_PASSWORD),
  );
  const annotations = Object.fromEntries((flags.annotation ?? []).map(parseAnnotation));
  const expiresAtMs = flags.expires === undefined ? undefined : parseExpiry(flags.expires);
  const signed = await withFailures(async () => {
    const { registry, text } = openEndpoints(flags)(place);
    const { repository, digest } = await resolveFirmware({ registry }, text);
    return signFirmware(registry, pinReference(repository, digest), key, {
      annotations,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    });
  });
  if (flags.json === true) print(`${JSON.stringify(signed, undefined, 2)}\n`);
  else print(`signed ${signed.digest} with ${key.algorithm}; the signature is ${signed.signature}\n`);
}

function parseAnnotation(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) rejectUsage(`--annotation ${text}: write it as key=value`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function parseExpiry(text: string): number {
  const instantMs = parseInstant(text);
  return instantMs ?? rejectUsage(`--expires ${text}: write a time in UTC, as 2027-01-31T00:00:00Z`);
}
