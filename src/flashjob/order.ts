import { createHash } from 'node:crypto';
import type { FlashJob } from '../kube/flash-job.ts';

/**
 * Fingerprint of what a job asks for: 16 hex digits, equal exactly when the same firmware goes on the same devices.
 *
 * Pausing, cancelling and pacing a job do not change its order.
 */
export function orderOf(spec: FlashJob['spec']): string {
  const asked = [
    spec.firmware,
    spec.version,
    spec.device ?? '',
    spec.hostEndpoint ?? '',
    spec.applicationType ?? '',
    ...spec.uuid,
  ];
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16);
}
