import { Kubelet } from '../../../sim/cluster/stand-ins/kubelet.ts';
import { NodeHeartbeat } from '../../../sim/cluster/stand-ins/node-heartbeat.ts';
import { NodeLifecycle } from '../../../sim/cluster/stand-ins/node-lifecycle.ts';
import { SCRIPT_ANNOTATION } from '../../../sim/cluster/stand-ins/pod-script.ts';
import { runWorkloads } from '../../../sim/cluster/stand-ins/workloads.ts';
import { POD, type Pod } from '../../../src/kube/core.ts';
import { DEPLOYMENT, type Deployment, type PodTemplate } from '../../../src/kube/workloads.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

/** A cluster with every stand-in for workloads, and nodes whose Pods play scripts. */
export class WorkloadRig extends ClusterInTest {
  readonly #stop = new AbortController();
  readonly #nodes = new Map<string, AbortController>();
  readonly #beats: boolean;
  #bug: unknown;

  /** Nodes that are not judged need not beat, which is quicker to simulate. */
  constructor(options: { readonly beats: boolean } = { beats: true }) {
    super();
    this.#beats = options.beats;
    const host = { api: this.cluster.api('controllers'), clock: this.clock };
    const watch = (task: Promise<void>): void =>
      void task.catch((error: unknown) => {
        this.#bug ??= error;
      });
    watch(runWorkloads(host, this.#stop.signal));
    if (options.beats) watch(new NodeLifecycle(host).run(this.#stop.signal));
  }

  /** A node appears, or one that was lost is back. */
  async node(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const alive = new AbortController();
    this.#nodes.set(name, alive);
    const heartbeat = new NodeHeartbeat(this.api, this.clock, name);
    if (labels !== LOST) await heartbeat.start({ labels });
    if (this.#beats) void heartbeat.beat(alive.signal);
    const options = { api: this.cluster.api(`kubelet-${name}`), clock: this.clock, nodeName: name };
    void new Kubelet({ ...options, programs: () => undefined, unscheduled: 'left' }).run(alive.signal);
    await this.pass();
  }

  /** Power is cut: nothing of the node is heard again. */
  lose(name: string): void {
    this.#nodes.get(name)?.abort();
  }

  async find(name: string): Promise<void> {
    await this.node(name, LOST);
  }

  override async pass(durationMs = 0): Promise<void> {
    await super.pass(durationMs);
    if (this.#bug !== undefined) throw this.#bug;
  }

  async pods(selector?: string): Promise<readonly Pod[]> {
    const { items } = await this.api.list(POD, {
      ...(selector !== undefined && { labelSelector: selector }),
    });
    return items;
  }

  async deploy(spec: Partial<Deployment['spec']> = {}, name = 'web'): Promise<Deployment> {
    return this.api.create(DEPLOYMENT, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 'default', name },
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: name } },
        template: template('web:1', name),
        ...spec,
      },
    });
  }

  deployment(name = 'web'): Promise<Deployment> {
    return this.api.get(DEPLOYMENT, { namespace: 'default', name });
  }

  change(body: unknown, name = 'web'): Promise<Deployment> {
    return this.api.patch(DEPLOYMENT, { namespace: 'default', name }, { type: 'merge', body });
  }
}

const LOST: Readonly<Record<string, string>> = {};

export function template(image: string, app = 'web', script = 'Running after 2s'): PodTemplate {
  return {
    metadata: { labels: { app }, annotations: { [SCRIPT_ANNOTATION]: script } },
    spec: { containers: [{ name: 'main', image }] },
  };
}

/** A Pod's script that ends, and what a Job needs besides. */
export function endingTemplate(script: string): PodTemplate {
  const { metadata, spec } = template('job:1', 'job', script);
  return {
    metadata: { annotations: metadata?.annotations ?? {} },
    spec: { ...spec, restartPolicy: 'Never' },
  };
}
