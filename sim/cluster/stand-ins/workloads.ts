import { CronJobController } from './cron-job-controller.ts';
import { DaemonSetController } from './daemon-set-controller.ts';
import { DeploymentController } from './deployment-controller.ts';
import { JobController } from './job-controller.ts';
import { type ControllerHost, runReconciler } from './reconcile-loop.ts';
import { ReplicaSetController } from './replica-set-controller.ts';
import { Scheduler } from './scheduler.ts';
import { TaintEviction } from './taint-eviction.ts';

/**
 * Everything that makes Pods of workloads and gives them nodes: what kube-controller-manager and
 * kube-scheduler do, to the extent that manifests of this house need them. Works until `signal` is
 * aborted; rejects on a bug.
 */
export async function runWorkloads(host: ControllerHost, signal: AbortSignal): Promise<void> {
  await Promise.all([
    runReconciler(new ReplicaSetController(host), host, signal),
    runReconciler(new DeploymentController(host), host, signal),
    runReconciler(new DaemonSetController(host), host, signal),
    runReconciler(new JobController(host), host, signal),
    runReconciler(new CronJobController(host), host, signal),
    new Scheduler(host).run(signal),
    new TaintEviction(host).run(signal),
  ]);
}
