import type { Pod } from './core.ts';
import type { Condition, Kind, KubeObject } from './object.ts';

/** Source: metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** Source: core/v1 PodTemplateSpec. */
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Pod['spec'];
}

/** A number, or a share of the replicas such as `25%`. */
export type CountOrShare = number | string;

/** A condition whose `lastUpdateTime` moves with its reason and message, too. Source: apps/v1 DeploymentCondition. */
export interface WorkloadCondition extends Omit<Condition, 'observedGeneration'> {
  readonly lastUpdateTime?: string;
  readonly lastProbeTime?: string;
}

/** Source: apps/v1 ReplicaSet. */
export interface ReplicaSet extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly replicas?: number;
    readonly fullyLabeledReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly WorkloadCondition[];
  };
}

/** Source: apps/v1 Deployment. */
export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly paused?: boolean;
    readonly revisionHistoryLimit?: number;
    readonly progressDeadlineSeconds?: number;
    readonly selector: LabelSelector;
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate';
      readonly rollingUpdate?: { readonly maxSurge?: CountOrShare; readonly maxUnavailable?: CountOrShare };
    };
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly observedGeneration?: number;
    readonly collisionCount?: number;
    readonly conditions?: readonly WorkloadCondition[];
  };
}

/** Source: apps/v1 DaemonSet. */
export interface DaemonSet extends KubeObject {
  readonly spec: {
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly selector: LabelSelector;
    readonly updateStrategy?: {
      readonly type?: 'RollingUpdate' | 'OnDelete';
      readonly rollingUpdate?: { readonly maxSurge?: CountOrShare; readonly maxUnavailable?: CountOrShare };
    };
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly desiredNumberScheduled: number;
    readonly currentNumberScheduled: number;
    readonly numberMisscheduled: number;
    readonly numberReady: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly numberUnavailable?: number;
    readonly observedGeneration?: number;
  };
}

/** A former template of a DaemonSet. Source: apps/v1 ControllerRevision. */
export interface ControllerRevision extends KubeObject {
  readonly data: unknown;
  readonly revision: number;
}

/** Source: batch/v1 JobSpec. */
export interface JobSpec {
  readonly parallelism?: number;
  readonly completions?: number;
  readonly completionMode?: 'NonIndexed' | 'Indexed';
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly suspend?: boolean;
  readonly manualSelector?: boolean;
  readonly managedBy?: string;
  readonly selector?: LabelSelector;
  readonly template: PodTemplate;
}

/** Source: batch/v1 Job. */
export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: {
    readonly active?: number;
    readonly ready?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly terminating?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly completedIndexes?: string;
    readonly conditions?: readonly WorkloadCondition[];
  };
}

/** Source: batch/v1 CronJob. */
export interface CronJob extends KubeObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
    readonly startingDeadlineSeconds?: number;
    readonly suspend?: boolean;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: { readonly metadata?: PodTemplate['metadata']; readonly spec: JobSpec };
  };
  readonly status?: {
    readonly active?: readonly { readonly name: string; readonly namespace?: string; readonly uid: string }[];
    readonly lastScheduleTime?: string;
    readonly lastSuccessfulTime?: string;
  };
}

/** How many of a workload's Pods are wanted and there. Source: autoscaling/v1 Scale. */
export interface Scale extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly replicas: number; readonly selector?: string };
}

/** Gives a Pod to a node. Source: core/v1 Binding. */
export interface Binding extends KubeObject {
  readonly target: { readonly apiVersion: 'v1'; readonly kind: 'Node'; readonly name: string };
}

/** Binds on being created, under the Pod's name. */
export const POD_BINDING: Kind<Binding> = {
  apiVersion: 'v1',
  kind: 'Binding',
  plural: 'pods',
  namespaced: true,
  subresource: 'binding',
};

/** The scale of the objects of a kind; it can be got, replaced and patched. */
export function scaleOf({ apiVersion, plural, namespaced }: Kind): Kind<Scale> {
  return { apiVersion, kind: 'Scale', plural, namespaced, subresource: 'scale' };
}

const kindIn =
  (apiVersion: string) =>
  <T extends KubeObject>(kind: string, plural: string): Kind<T> => ({
    apiVersion,
    kind,
    plural,
    namespaced: true,
  });
const apps = kindIn('apps/v1');
const batch = kindIn('batch/v1');

export const DEPLOYMENT: Kind<Deployment> = apps('Deployment', 'deployments');
export const REPLICA_SET: Kind<ReplicaSet> = apps('ReplicaSet', 'replicasets');
export const DAEMON_SET: Kind<DaemonSet> = apps('DaemonSet', 'daemonsets');
export const CONTROLLER_REVISION: Kind<ControllerRevision> = apps(
  'ControllerRevision',
  'controllerrevisions',
);
export const JOB: Kind<Job> = batch('Job', 'jobs');
export const CRON_JOB: Kind<CronJob> = batch('CronJob', 'cronjobs');
