import type { KubeApi } from '../../src/kube/api.ts';
import type { DeviceUpdate } from '../../src/kube/device.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { FLASH_JOB, type FlashJob } from '../../src/kube/flash-job.ts';

/**
 * Whether an update still holds its device against `job`.
 *
 * A settled one does not, nor one whose job is gone, nor one that `job` itself made under an order it no
 * longer has. A job that is over but has not let go yet still holds it: its controller will release it.
 */
export async function isLive(kube: KubeApi, update: DeviceUpdate, job: FlashJob): Promise<boolean> {
  if (update.phase === 'Settled' || update.jobUid === job.metadata.uid) return false;
  try {
    const holder = await kube.get(FLASH_JOB, { namespace: update.jobNamespace, name: update.jobName });
    return holder.metadata.uid === update.jobUid;
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return false;
    throw error;
  }
}
