import type { Command } from 'commander';
import { FirmwareError } from '../oci/firmware-error.ts';
import type { Decoded } from '../oci/refusal.ts';
import { RegistryError } from '../oci/registry-error.ts';
import { CommandFailure, rejectUsage, UsageError } from './failure.ts';
import { parentCommand } from './parent-command.ts';

/** The `firmware` command that every subcommand hangs on, whoever comes first. */
export function firmwareCommand(program: Command): Command {
  return parentCommand(program, 'firmware', 'pack, move and look into firmware as OCI artifacts');
}

/** What was read of a file or an argument that the user gave; a refusal fails as `usage`. */
export function given<T>(name: string, decoded: Decoded<T>): T {
  return decoded.ok ? decoded.value : rejectUsage(`${name}: ${decoded.refusal.message}`);
}

/** What is not to be had here and now; everything else that a registry can do wrong is a refusal of its content. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'denied',
  'not-found',
  'timeout',
  'too-many-requests',
  'unauthorized',
  'unavailable',
  'unsupported',
]);

/** Runs an action; what registries and firmware do wrong fails as a command fails. */
export async function withFailures<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FirmwareError && error.hop === 'reference') throw new UsageError(error.message);
    if (error instanceof FirmwareError || error instanceof RegistryError) {
      // The message of a FirmwareError begins with its hop.
      const where = error instanceof FirmwareError ? ' at ' : ': ';
      throw new CommandFailure(
        UNAVAILABLE.has(error.code) ? 'unavailable' : 'refused',
        `${error.code}${where}${error.message}`,
      );
    }
    throw error;
  }
}
