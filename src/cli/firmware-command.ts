import type { Command } from 'commander';
import { FirmwareError } from '../oci/firmware-error.ts';
import { RegistryError, type RegistryErrorCode } from '../oci/registry-error.ts';

/** Exit codes of sysexits.h. */
export const EXIT = {
  usage: 64,
  /** What was read is not what it should be. */
  data: 65,
  noInput: 66,
  unavailable: 69,
  cannotCreate: 73,
  noPermission: 77,
} as const;

/** A command that cannot do what it was asked; the message says what to do instead. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command of this name under `program`, which several files fill: made by whoever comes first. */
export function findOrCreate(program: Command, name: string, description: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(description);
}

/** The `firmware` command that every subcommand hangs on. */
export function firmwareCommand(program: Command): Command {
  return findOrCreate(program, 'firmware', 'pack, move and look into firmware as OCI artifacts');
}

/** Runs an action; what it throws is told in one line on standard error and becomes the exit code. */
export async function runCommand(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    process.stderr.write(`brickproof: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

const BY_CODE: Partial<Record<string, number>> = {
  unauthorized: EXIT.noPermission,
  denied: EXIT.noPermission,
  unavailable: EXIT.unavailable,
  timeout: EXIT.unavailable,
  'too-many-requests': EXIT.unavailable,
  unsupported: EXIT.unavailable,
  'not-found': EXIT.noInput,
} satisfies Partial<Record<RegistryErrorCode, number>>;

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof FirmwareError && error.hop === 'reference') return EXIT.usage;
  if (error instanceof FirmwareError || error instanceof RegistryError)
    return BY_CODE[error.code] ?? EXIT.data;
  throw error;
}

/** An option that may be given again; commander calls it with what came before. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
