import { INSTANCE, type Instance } from '../../kube/akri.ts';
import type { KubeApi } from '../../kube/api.ts';
import { DEVICE, type Device } from '../../kube/device.ts';
import { FIRMWARE_ROLLOUT, type FirmwareRollout } from '../../kube/firmware-rollout.ts';
import { FLASH_JOB, type FlashJob } from '../../kube/flash-job.ts';
import type { Clock } from '../../time/clock.ts';
import { Mirror, type MirrorChange } from './mirror.ts';

/** A change of one of the four kinds that a story is about. */
export type ClusterChange =
  | ({ readonly of: 'device' } & MirrorChange<Device>)
  | ({ readonly of: 'instance' } & MirrorChange<Instance>)
  | ({ readonly of: 'rollout' } & MirrorChange<FirmwareRollout>)
  | ({ readonly of: 'job' } & MirrorChange<FlashJob>);

/** What the API says, followed by watch: an administrator's view, with its delays. */
export class ClusterView {
  readonly devices: Mirror<Device>;
  readonly instances: Mirror<Instance>;
  readonly rollouts: Mirror<FirmwareRollout>;
  readonly jobs: Mirror<FlashJob>;

  constructor(api: KubeApi, clock: Clock, onChange: (change: ClusterChange) => void) {
    this.devices = new Mirror(api, clock, DEVICE, (change) => onChange({ of: 'device', ...change }));
    this.instances = new Mirror(api, clock, INSTANCE, (change) => onChange({ of: 'instance', ...change }));
    this.rollouts = new Mirror(api, clock, FIRMWARE_ROLLOUT, (change) =>
      onChange({ of: 'rollout', ...change }),
    );
    this.jobs = new Mirror(api, clock, FLASH_JOB, (change) => onChange({ of: 'job', ...change }));
  }

  async start(signal: AbortSignal, onBug: (error: unknown) => void): Promise<void> {
    for (const mirror of [this.devices, this.instances, this.rollouts, this.jobs])
      await mirror.start(signal, onBug);
  }
}
