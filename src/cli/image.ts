import type { Command } from 'commander';
import { type AppImageRefusal, type VerifiedImage, verifyAppImage } from '../esp/app-image.ts';
import { type Chip, chipOfId, type SignatureScheme } from '../esp/chips.ts';
import { type Decoded, refuse } from '../esp/refusal.ts';
import { checkSignature } from '../esp/secure-boot-v2.ts';
import { schemeOfKey } from '../esp/signature-block.ts';
import { parseChip } from './chip-argument.ts';
import { CommandFailure } from './failure.ts';
import { type ImageFile, nameApp, openImage, parseImageFile, readImageBytes } from './image-file.ts';
import { describeImage, imageJson } from './image-inspect.ts';
import { readPrivateKey, trustedDigests } from './image-keys.ts';
import { signFile, signingConcerns } from './image-sign.ts';
import { parseWhole } from './number-argument.ts';
import { writeOutput } from './output-file.ts';
import { collect, parentCommand, printer } from './parent-command.ts';
import { jsonOf, linesOf } from './text-layout.ts';

const SCHEMES: readonly SignatureScheme[] = ['rsa-3072', 'ecdsa-p256', 'ecdsa-p384'];

interface VerifyOptions {
  readonly chip?: string;
  readonly revision?: string;
  readonly publicKey?: readonly string[];
  readonly keyDigest?: readonly string[];
  readonly offset?: string;
  readonly json?: boolean;
}

/** Adds `image inspect`, `image verify` and `image sign`. */
export function registerImage(program: Command): void {
  const image = parentCommand(program, 'image', 'firmware images as a bootloader takes them');
  image
    .command('inspect')
    .argument('<file>', 'app or bootloader image, signed or not')
    .description('print header, segments, description, hash and signature blocks')
    .option('--offset <bytes>', 'where the image begins, in a dump')
    .option('--json', 'print JSON')
    .action(
      (path: string, options: { readonly offset?: string; readonly json?: boolean }, command: Command) => {
        const file = openImage(path, options.offset);
        printer(command)(options.json === true ? jsonOf(imageJson(file)) : linesOf(describeImage(file)));
      },
    );
  image
    .command('verify')
    .argument('<file>', 'app or bootloader image')
    .description('check an image as a bootloader does; exit code 1 when it is refused')
    .option('--chip <name>', 'the chip it must be made for')
    .option('--revision <n>', 'revision of that chip, major × 100 + minor')
    .option('--public-key <pem>', 'a key that may vouch for it (Secure Boot V2); again for more', collect)
    .option('--key-digest <hex>', 'the same by the SHA-256 that stands in eFuse; again for more', collect)
    .option('--offset <bytes>', 'where the image begins, in a dump')
    .option('--json', 'print JSON')
    .action((path: string, options: VerifyOptions, command: Command) =>
      verify(path, options, printer(command)),
    );
  image
    .command('sign')
    .argument('<file>', 'app or bootloader image')
    .description('sign an image for Secure Boot V2')
    .requiredOption(
      '--key <pem>',
      'private key: RSA-3072, ECDSA P-256 or P-384; again for more blocks',
      collect,
    )
    .requiredOption('--out <file>', 'where the signed image goes')
    .option('--append', 'add to the signature blocks that are there, up to three')
    .action(sign);
}

function verify(path: string, options: VerifyOptions, print: (text: string) => void): void {
  const digests = trustedDigests(options.publicKey ?? [], options.keyDigest ?? []);
  const chip = options.chip === undefined ? undefined : parseChip(options.chip);
  const revision =
    options.revision === undefined ? undefined : parseWhole('--revision', options.revision, 0, 0xffff);
  const { name, bytes } = readImageBytes(path, options.offset);
  const parsed = parseImageFile(name, bytes);
  const checked = parsed.ok ? checkImage(parsed.value, digests, chip, revision) : parsed;
  if (options.json === true)
    print(
      jsonOf({
        ok: checked.ok,
        refusal: checked.ok ? null : checked.refusal,
        measurement: checked.ok ? checked.value.measurement : null,
        signatureChecked: checked.ok && digests.length > 0,
      }),
    );
  if (!checked.ok)
    throw new CommandFailure(
      'refused',
      `${name} is refused: ${checked.refusal.code}: ${checked.refusal.message}`,
    );
  if (options.json === true || !parsed.ok) return;
  print(`${name}: ok, ${describeVerified(parsed.value)}, ${describeTrust(parsed.value, digests)}\n`);
}

function describeVerified({ image, kind }: ImageFile): string {
  const { header, description, imageLength } = image;
  const chip = chipOfId(header.chipId)?.label ?? `chip id ${header.chipId}`;
  return `${nameApp(description, `unnamed ${kind}`)} for ${chip}, ${imageLength} bytes`;
}

function describeTrust({ blocks }: ImageFile, digests: readonly string[]): string {
  if (digests.length > 0) return 'signed by a given key';
  return blocks.length > 0 ? 'signature not checked: no key given' : 'not signed';
}

/** Everything a bootloader checks before it jumps; signatures only where keys to trust are given. */
function checkImage(
  { bytes, image, kind, blocks }: ImageFile,
  digests: readonly string[],
  chip: Chip | undefined,
  revision: number | undefined,
): Decoded<VerifiedImage, AppImageRefusal | 'not-trusted'> {
  const verdict = verifyAppImage(bytes, {
    kind,
    ...(chip === undefined ? {} : { chip }),
    ...(revision === undefined ? {} : { chipRevision: revision }),
  });
  if (!verdict.ok || digests.length === 0) return verdict;
  const schemes = chip?.secureBootV2.schemes ?? SCHEMES;
  const check = checkSignature(bytes, image.imageLength, { digests, revoked: [], schemes });
  if (check.acceptedBy !== undefined) return verdict;
  const reasons = blocks.length === 0 ? 'it carries none' : check.problems.join(', ');
  return refuse('not-trusted', image.imageLength, `no signature vouches for the image: ${reasons}`);
}

interface SignOptions {
  readonly key: readonly string[];
  readonly out: string;
  readonly append?: boolean;
}

function sign(path: string, options: SignOptions, command: Command): void {
  const keys = options.key.map(readPrivateKey);
  const file = openImage(path);
  const signed = signFile(file, keys, options.append === true);
  const total = file.blocks.length + keys.length;
  for (const concern of signingConcerns(file, keys, total))
    command.configureOutput().writeErr?.(`brickproof: note: ${concern}\n`);
  writeOutput(options.out, signed);
  const schemes = keys.map(schemeOfKey).join(', ');
  printer(command)(`${options.out}: signed with ${schemes}, ${total} signature block(s) of 3\n`);
}
