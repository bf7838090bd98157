import { HOSTNAME_LABEL, POD, type Pod } from '../../../src/kube/core.ts';
import { POD_BINDING } from '../../../src/kube/workloads.ts';
import { followObjects } from './object-feed.ts';
import { writePersistently } from './persistent-write.ts';
import { PodReport } from './pod-report.ts';
import { type PodHost, PodRun } from './pod-run.ts';
import { type PodScripts, parsePodScript, SCRIPT_ANNOTATION } from './pod-script.ts';
import { refused } from './pod-status.ts';
import { ScriptedRun } from './scripted-run.ts';

/** Which Pods concern a kubelet. */
export interface KubeletScope {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /**
   * Which Pods without a node are bound to this one, as a scheduler does: `all`, which is the default; those
   * that `select` it by its hostname; or none, because they are `left` to a scheduler.
   */
  readonly unscheduled?: 'all' | 'select' | 'left';
}

export interface KubeletOptions extends PodHost, KubeletScope {
  readonly nodeName: string;
  /** What Pods without a program pretend to do, unless they say so themselves. Default: nothing. */
  readonly scripts?: PodScripts;
}

/**
 * Stands in for the kubelet of one node, and for a scheduler where there is none: runs registered programs
 * in this process, plays scripts instead of other containers, and writes the Pod's status as a kubelet does.
 *
 * Programs run once: a Pod whose restartPolicy asks for more is left pending and says so.
 */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #runs = new Map<string, PodRun | ScriptedRun>();

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  /** Number of Pods that run now. */
  get runningCount(): number {
    let count = 0;
    for (const run of this.#runs.values()) if (run.isRunning) count++;
    return count;
  }

  /** Works until `signal` is aborted; then every program is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, namespace } = this.#options;
    const selection = namespace === undefined ? {} : { namespace };
    await followObjects(api, POD, selection, clock, signal, {
      present: (pod) => this.#look(pod, signal),
      gone: (pod) => this.#forget(pod),
    });
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
  }

  #look(pod: Pod, signal: AbortSignal): void {
    const { nodeName } = this.#options;
    const assigned = pod.spec.nodeName;
    if (assigned === undefined || assigned === '') {
      if (pod.metadata.deletionTimestamp === undefined) void this.#schedule(pod, signal);
      return;
    }
    if (assigned !== nodeName) return;
    let run = this.#runs.get(pod.metadata.uid);
    if (run === undefined) {
      run = this.#start(pod, signal);
      this.#runs.set(pod.metadata.uid, run);
    }
    if (pod.metadata.deletionTimestamp !== undefined) run.finish();
  }

  #start(pod: Pod, signal: AbortSignal): PodRun | ScriptedRun {
    const { programs, scripts } = this.#options;
    const text = pod.metadata.annotations?.[SCRIPT_ANNOTATION];
    const isProgram = pod.spec.containers.every(({ image }) => programs(image, pod) !== undefined);
    const script = text === undefined ? scripts?.(pod) : parsePodScript(text);
    if (text !== undefined && script === undefined && !isProgram) void this.#refuse(pod, text, signal);
    return isProgram || script === undefined
      ? new PodRun(this.#options, pod, signal)
      : new ScriptedRun(this.#options, pod, script, signal);
  }

  #refuse(pod: Pod, text: string, signal: AbortSignal): Promise<void> {
    const message = `${SCRIPT_ANNOTATION}: ${JSON.stringify(text)} is not like "Running after 2s, Succeeded after 10s"`;
    return new PodReport(this.#options, pod, signal).write(refused(pod.spec.containers, message));
  }

  #forget(pod: Pod): void {
    this.#runs.get(pod.metadata.uid)?.stop();
    this.#runs.delete(pod.metadata.uid);
  }

  /** The server gives a Pod to one node only, so two of us never take the same. */
  async #schedule(pod: Pod, signal: AbortSignal): Promise<void> {
    const { api, clock, nodeName, unscheduled = 'all' } = this.#options;
    const { namespace = '', name, uid } = pod.metadata;
    if (unscheduled === 'left') return;
    if (unscheduled === 'select' && pod.spec.nodeSelector?.[HOSTNAME_LABEL] !== nodeName) return;
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeName } as const;
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target };
    await writePersistently(() => api.create(POD_BINDING, binding), clock, signal);
  }
}
