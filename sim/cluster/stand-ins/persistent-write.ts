import { isKubeError } from '../../../src/kube/error.ts';
import type { Clock } from '../../../src/time/clock.ts';

const RETRY_DELAY_MS = 1000;

/**
 * Writes until the server has answered for good: undefined when the object is gone or someone else was
 * faster, or when `signal` is aborted first. Rejects when the server says that the write itself is wrong.
 */
export async function writePersistently<R>(
  write: () => Promise<R>,
  clock: Clock,
  signal: AbortSignal,
): Promise<R | undefined> {
  while (!signal.aborted) {
    try {
      return await write();
    } catch (error) {
      if (isKubeError(error, 'NotFound', 'Conflict', 'AlreadyExists')) return undefined;
      if (isKubeError(error, 'Invalid', 'BadRequest') || !isKubeError(error)) throw error;
    }
    await clock.sleep(RETRY_DELAY_MS, signal).catch(() => {});
  }
  return undefined;
}
