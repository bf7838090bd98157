import { basename } from 'node:path';
import type { Command } from 'commander';
import { resolveFirmware } from '../oci/fetch-firmware.ts';
import {
  parseSignaturePolicy,
  policyOfKey,
  type SignaturePolicy,
} from '../oci/signature/signature-policy.ts';
import { parseInstant } from '../oci/signature/signed-claim.ts';
import { readVerificationKey } from '../oci/signature/verification-key.ts';
import { verifyFirmware } from '../oci/signature/verify-firmware.ts';
import { rejectUsage } from './failure.ts';
import { firmwareCommand, given, withFailures } from './firmware-command.ts';
import { type EndpointOptions, openEndpoints, withEndpointOptions } from './firmware-endpoint.ts';
import { readTextInput } from './input-file.ts';
import { printer } from './parent-command.ts';

interface VerifyFlags extends EndpointOptions {
  readonly key?: string;
  readonly policy?: string;
  readonly at?: string;
  readonly json?: boolean;
}

/** Adds `firmware verify`. */
export function registerFirmwareVerify(program: Command): void {
  const firmware = firmwareCommand(program);
  const verify = firmware
    .command('verify')
    .argument('<reference>', 'firmware in a registry')
    .description('check who signed firmware, as a flash agent does; exit code 1 when nobody who may')
    .option('--key <pem>', 'the public key that must have signed it')
    .option('--policy <file>', 'which keys may sign which application, YAML or JSON')
    .option('--at <time>', 'judge expiry as of then, as 2027-01-31T00:00:00Z (default: now)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A policy:
  keys:
    release: { pem: "-----BEGIN PUBLIC KEY-----…", notAfter: "2028-01-01T00:00:00Z" }
  applications:
    thermo: [release]

Examples:
  $ npx brickproof firmware verify registry.local/fleet/thermo:1.4.1 --key release.pub
  $ npx brickproof firmware verify registry.local/fleet/thermo:1.4.1 --policy signers.yaml --json
`,
    );
  withEndpointOptions(verify).action((reference: string, flags: VerifyFlags, command: Command) =>
    verifyCommand(reference, flags, printer(command)),
  );
}

async function verifyCommand(
  place: string,
  flags: VerifyFlags,
  print: (text: string) => void,
): Promise<void> {
  const policy = await readPolicy(flags);
  const nowMs = flags.at === undefined ? Date.now() : parseInstant(flags.at);
  if (nowMs === undefined) rejectUsage(`--at ${flags.at}: write a time in UTC, as 2027-01-31T00:00:00Z`);
  const { digest, proof } = await withFailures(async () => {
    const { registry, text } = openEndpoints(flags)(place);
    const source = { registry };
    const resolved = await resolveFirmware(source, text);
    return { digest: resolved.digest, proof: await verifyFirmware(source, resolved, policy, nowMs) };
  });
  if (flags.json === true) print(`${JSON.stringify({ digest, ...proof }, undefined, 2)}\n`);
  else print(`${digest} (${proof.application || 'no application named'}) is signed by ${proof.signer}\n`);
}

async function readPolicy({ key, policy }: VerifyFlags): Promise<SignaturePolicy> {
  if ((key === undefined) === (policy === undefined))
    rejectUsage('give either --key or --policy: without one nothing is known of who may sign');
  if (key !== undefined)
    return policyOfKey(basename(key), given(key, readVerificationKey(readTextInput(key))));
  const path = policy ?? '';
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    document = parse(readTextInput(path), { maxAliasCount: 0 });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'YAMLParseError') throw error;
    rejectUsage(`${path}: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`);
  }
  return given(path, parseSignaturePolicy(new TextEncoder().encode(JSON.stringify(document ?? null))));
}
