import { FirmwareError } from '../oci/firmware-error.ts';
import type { Decoded } from '../oci/refusal.ts';
import { RegistryError } from '../oci/registry-error.ts';
import { CommandFailure, rejectUsage } from './failure.ts';

/** Runs `work`; what registries and firmware end with comes out as a CommandFailure that names the hop. */
export async function failingLoudly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FirmwareError && error.hop === 'reference') rejectUsage(error.message);
    // A signature that does not count is an answer; everything else is that there was none.
    if (error instanceof FirmwareError && error.hop === 'signature' && error.cause === undefined)
      throw new CommandFailure('refused', `${error.code} at ${error.message}`);
    if (error instanceof FirmwareError || error instanceof RegistryError)
      throw new CommandFailure('unavailable', `${error.code}: ${error.message}`);
    throw error;
  }
}

/** What was read of a file or an argument that the user gave; a refusal fails as `usage`. */
export function given<T>(name: string, decoded: Decoded<T>): T {
  return decoded.ok ? decoded.value : rejectUsage(`${name}: ${decoded.refusal.message}`);
}
