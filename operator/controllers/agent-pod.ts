import { createHash } from 'node:crypto';
import type { AgentPod } from '../../src/flashjob/decide.ts';
import { POD, type Pod, SERVICE, type Service, type Volume } from '../../src/kube/core.ts';
import type { Device } from '../../src/kube/device.ts';
import { FLASH_JOB, type FlashJob, JOB_LABEL } from '../../src/kube/flash-job.ts';
import type { NewObject, OwnerReference } from '../../src/kube/object.ts';
import { AGENT_ACCOUNT_NAME } from '../access.ts';

/** Source: DNS label, RFC 1123; Service names and label values are held to it. */
const NAME_CHARS_MAX = 63;
/** Ids in the Pod's environment; the agent reads the whole list from the job. */
const UUIDS_MAX = 100;
const LOGIN_FOLDER = '/var/run/brickproof/registry-login';
/** Port of the flash Pod in nubificus' operator. */
const PORT = 4433;

/** Name of a job's Pod and Service: `<job>-flash`, with a hash in the middle where that would be too long. */
export function agentNameOf(jobName: string): string {
  const name = `${jobName}-flash`;
  if (name.length <= NAME_CHARS_MAX) return name;
  const hash = createHash('sha256').update(jobName).digest('hex').slice(0, 8);
  return `${jobName.slice(0, NAME_CHARS_MAX - 15)}-${hash}-flash`;
}

/** Which nodes agent Pods go to, and what they put up with there. Source: core/v1 PodSpec. */
export type AgentPlacement = Pick<Pod['spec'], 'nodeSelector' | 'tolerations'>;

/** The agent's Pod; its environment holds what nubificus' flash Pods are given, and the job's name. */
export function agentPod(
  job: FlashJob,
  order: string,
  agent: {
    readonly agentImage: string;
    readonly agentEnvironment: Readonly<Record<string, string>>;
    readonly agentPlacement: AgentPlacement;
  },
  devices: readonly Device[],
): NewObject<Pod> {
  const { spec, metadata } = job;
  const [first] = devices;
  const { CACHE_DIR: cacheFolder = '', REGISTRY_SECRET: secretName = '' } = agent.agentEnvironment;
  const { BROKER_SECRET: brokerSecret = '' } = agent.agentEnvironment;
  const folders = [
    ...(cacheFolder === '' ? [] : [cacheVolume(cacheFolder)]),
    ...(secretName === '' ? [] : [loginVolume(secretName)]),
  ];
  const stations = devices.map(({ status }) => status?.station ?? '').filter((station) => station !== '');
  const environment: Readonly<Record<string, string>> = {
    FIRMWARE: spec.firmware,
    UUID: spec.uuid.slice(0, UUIDS_MAX).join(','),
    HOST_ENDPOINT: spec.hostEndpoint || stations.slice(0, UUIDS_MAX).join(','),
    DEVICE: spec.device || (first?.status?.chip ?? ''),
    APPLICATION_TYPE: spec.applicationType || (first?.status?.attested?.application ?? ''),
    VERSION: spec.version,
    EXTERNAL_IP: spec.externalIP ?? '',
    FLASHJOB_NAME: metadata.name,
    FLASHJOB_NAMESPACE: metadata.namespace ?? 'default',
    ...agent.agentEnvironment,
    ...(secretName !== '' && { DOCKER_CONFIG: LOGIN_FOLDER }),
  };
  return {
    apiVersion: POD.apiVersion,
    kind: POD.kind,
    metadata: { ...metaOf(job), labels: { ...labelsOf(job), [JOB_LABEL.order]: order } },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: AGENT_ACCOUNT_NAME,
      ...agent.agentPlacement,
      containers: [
        {
          name: 'flash-agent',
          image: spec.flashjobPodImage || agent.agentImage,
          env: Object.entries(environment).map(([name, value]) => ({ name, value })),
          ...(brokerSecret !== '' && { envFrom: [{ secretRef: { name: brokerSecret } }] }),
          ...(folders.length > 0 && { volumeMounts: folders.map(({ mount }) => mount) }),
        },
      ],
      ...(folders.length > 0 && { volumes: folders.map(({ volume }) => volume) }),
    },
  };
}

/** A volume, and where the agent finds it. */
interface Folder {
  readonly volume: Volume;
  readonly mount: { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean };
}

/** What the agents of a node have fetched; a folder of the node, so that all of them have it. */
function cacheVolume(path: string): Folder {
  const name = 'content-cache';
  return {
    volume: { name, hostPath: { path, type: 'DirectoryOrCreate' } },
    mount: { name, mountPath: path },
  };
}

/** Logins, as `kubectl create secret docker-registry` keeps them, under the name that docker gives the file. */
function loginVolume(secretName: string): Folder {
  const name = 'registry-login';
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }];
  return {
    volume: { name, secret: { secretName, items } },
    mount: { name, mountPath: LOGIN_FOLDER, readOnly: true },
  };
}

/** One address for the whole job, where nubificus had one per device. */
export function agentService(job: FlashJob): NewObject<Service> {
  const externalIP = job.spec.externalIP ?? '';
  return {
    apiVersion: SERVICE.apiVersion,
    kind: SERVICE.kind,
    metadata: { ...metaOf(job), labels: labelsOf(job) },
    spec: {
      type: 'ClusterIP',
      selector: labelsOf(job),
      ...(externalIP !== '' && { externalIPs: [externalIP] }),
      ports: [{ name: 'flash', port: PORT, targetPort: PORT, protocol: 'TCP' }],
    },
  };
}

/** What the decider needs to know of the Pod. */
export function describePod(pod: Pod, endedForMs: number): AgentPod {
  const phase = pod.status?.phase;
  return {
    phase:
      pod.metadata.deletionTimestamp !== undefined
        ? 'stopping'
        : phase === 'Succeeded'
          ? 'succeeded'
          : phase === 'Failed'
            ? 'failed'
            : 'active',
    order: pod.metadata.labels?.[JOB_LABEL.order] ?? '',
    message: [pod.status?.reason, pod.status?.message].filter(Boolean).join(': '),
    endedForMs,
  };
}

function metaOf({ metadata }: FlashJob): {
  namespace: string;
  name: string;
  ownerReferences: OwnerReference[];
} {
  const { name, uid, namespace = 'default' } = metadata;
  const { apiVersion, kind } = FLASH_JOB;
  return {
    namespace,
    name: agentNameOf(name),
    ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
  };
}

function labelsOf({ metadata }: FlashJob): Readonly<Record<string, string>> {
  return { app: 'flash-agent', [JOB_LABEL.job]: agentNameOf(metadata.name).slice(0, -'-flash'.length) };
}
