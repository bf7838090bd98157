import type { Clock } from '../../../src/time/clock.ts';
import type { Resource } from '../resource.ts';
import { coreKinds } from './core.ts';
import { cronJobKind } from './cron-job.ts';
import { daemonSetKind } from './daemon-set.ts';
import { deploymentKind } from './deployment.ts';
import { eventKinds } from './event.ts';
import { jobKind } from './job.ts';
import { podKind } from './pod.ts';
import { controllerRevisionKind, replicaSetKind } from './replica-set.ts';
import { ClusterIps, serviceKind } from './service.ts';

/** The kinds that every cluster has from the start, but for definitions of more, and for rights. `accountActions`: what ServiceAccounts can be asked for. */
export function everyClustersKinds(
  clock: Clock,
  accountActions: NonNullable<Resource['actions']>,
): readonly Resource[] {
  const unixMs = (): number => clock.epochMs + clock.nowMs;
  return [
    ...coreKinds(accountActions),
    ...eventKinds(),
    podKind(),
    serviceKind(new ClusterIps()),
    deploymentKind(),
    replicaSetKind(),
    daemonSetKind(),
    controllerRevisionKind(),
    jobKind(unixMs),
    cronJobKind(unixMs),
  ];
}
