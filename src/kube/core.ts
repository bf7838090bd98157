import type { Kind, KubeObject } from './object.ts';

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
}

/** What keeps Pods off a node that do not tolerate it. Source: core/v1 Taint. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  readonly timeAdded?: string;
}

/** Source: core/v1 Toleration; members left out tolerate more. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: 'Exists' | 'Equal';
  readonly value?: string;
  readonly effect?: Taint['effect'];
  /** How long a NoExecute taint is borne; absent: for ever. */
  readonly tolerationSeconds?: number;
}

/** Source: core/v1 NodeSelectorTerm. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeRequirement[];
  readonly matchFields?: readonly NodeRequirement[];
}

export interface NodeRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values?: readonly string[];
}

/** Source: core/v1 Affinity; what is asked for on a node. */
export interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms?: readonly NodeSelectorTerm[];
    };
  };
}

/** Source: core/v1 PodCondition. */
export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** Source: core/v1 Volume. */
export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: 'DirectoryOrCreate' };
  readonly secret?: {
    readonly secretName: string;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
  };
}

/** Source: core/v1 Pod; the members the house reads or writes. */
export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly affinity?: Affinity;
    readonly tolerations?: readonly Toleration[];
    readonly schedulerName?: string;
    readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
    readonly serviceAccountName?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly command?: readonly string[];
      readonly args?: readonly string[];
      readonly env?: readonly EnvVar[];
      readonly envFrom?: readonly { readonly secretRef: { readonly name: string } }[];
      readonly volumeMounts?: readonly {
        readonly name: string;
        readonly mountPath: string;
        readonly readOnly?: boolean;
      }[];
    }[];
    readonly volumes?: readonly Volume[];
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly PodCondition[];
    readonly containerStatuses?: readonly unknown[];
  };
}

/** Source: core/v1 Service. */
export interface Service extends KubeObject {
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    readonly selector?: Readonly<Record<string, string>>;
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
      readonly protocol?: 'TCP' | 'UDP';
    }[];
  };
}

/** Source: core/v1 Event. */
export interface Event extends KubeObject {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
  };
  readonly source?: { readonly component: string };
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
}

/** Source: core/v1 Node. */
export interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
  readonly status?: { readonly conditions?: readonly unknown[] };
}

/** Source: core/v1 Namespace. */
export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}

/** Source: core/v1 ServiceAccount. */
export type ServiceAccount = KubeObject;

/** Source: coordination.k8s.io/v1 Lease. */
export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

const core = <T extends KubeObject>(kind: string, plural: string, namespaced = true): Kind<T> => ({
  apiVersion: 'v1',
  kind,
  plural,
  namespaced,
});

export const POD: Kind<Pod> = core('Pod', 'pods');
export const SERVICE: Kind<Service> = core('Service', 'services');
export const EVENT: Kind<Event> = core('Event', 'events');
export const CONFIG_MAP: Kind = core('ConfigMap', 'configmaps');
export const SECRET: Kind = core('Secret', 'secrets');
export const SERVICE_ACCOUNT: Kind<ServiceAccount> = core('ServiceAccount', 'serviceaccounts');
export const NODE: Kind<Node> = core('Node', 'nodes', false);
export const NAMESPACE: Kind<Namespace> = core('Namespace', 'namespaces', false);
export const LEASE: Kind<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** Every node has it, and its name as the value. Source: Kubernetes documentation, "Well-Known Labels". */
export const HOSTNAME_LABEL = 'kubernetes.io/hostname';
