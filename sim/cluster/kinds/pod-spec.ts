import type { KubeCause } from '../../../src/kube/error.ts';
import {
  duplicateValue,
  invalidValue,
  notFoundValue,
  requiredValue,
  unsupportedValue,
} from '../../../src/kube/field-cause.ts';
import { nameComplaint } from '../object-name.ts';
import { isMembers, type Members } from '../stored-object.ts';
import { confinement, container } from './container.ts';
import {
  atomic,
  bool,
  int,
  intOrText,
  keyedList,
  list,
  map,
  object,
  oneOf,
  open,
  openObject,
  type Schema,
  text,
} from './schema.ts';
import { volumes } from './volume.ts';

const nodeSelectorTerm = object({
  matchExpressions: list(object({ key: text, operator: text, values: list(text) }, 'key', 'operator')),
  matchFields: list(object({ key: text, operator: text, values: list(text) }, 'key', 'operator')),
});
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const podAffinity = object({ [REQUIRED]: list(open), [PREFERRED]: list(open) });

/** What Pods and the templates of workloads say about containers. Source: core/v1 PodSpec. */
export const podSpec: Schema = object({
  activeDeadlineSeconds: int,
  affinity: object({
    nodeAffinity: object({
      [REQUIRED]: object({ nodeSelectorTerms: list(nodeSelectorTerm) }),
      [PREFERRED]: list(object({ weight: int, preference: nodeSelectorTerm })),
    }),
    podAffinity,
    podAntiAffinity: podAffinity,
  }),
  automountServiceAccountToken: bool,
  containers: keyedList('name', container),
  dnsConfig: object({
    nameservers: list(text),
    searches: list(text),
    options: list(object({ name: text, value: text })),
  }),
  dnsPolicy: { ...text, default: 'ClusterFirst' },
  enableServiceLinks: bool,
  ephemeralContainers: keyedList('name', openObject({ name: text }, 'name')),
  hostAliases: keyedList('ip', object({ ip: text, hostnames: list(text) }, 'ip')),
  hostIPC: bool,
  hostNetwork: bool,
  hostPID: bool,
  hostUsers: bool,
  hostname: text,
  imagePullSecrets: keyedList('name', atomic(object({ name: text }))),
  initContainers: keyedList('name', container),
  nodeName: text,
  nodeSelector: atomic(map(text)),
  os: object({ name: text }, 'name'),
  overhead: map(intOrText),
  preemptionPolicy: text,
  priority: int,
  priorityClassName: text,
  readinessGates: list(object({ conditionType: text }, 'conditionType')),
  resourceClaims: keyedList('name', openObject({ name: text }, 'name')),
  resources: open,
  restartPolicy: { ...oneOf('Always', 'OnFailure', 'Never'), default: 'Always' },
  runtimeClassName: text,
  schedulerName: { ...text, default: 'default-scheduler' },
  schedulingGates: keyedList('name', object({ name: text }, 'name')),
  securityContext: {
    ...object({
      ...confinement,
      fsGroup: int,
      fsGroupChangePolicy: text,
      seLinuxChangePolicy: text,
      supplementalGroups: list(int),
      supplementalGroupsPolicy: text,
      sysctls: list(object({ name: text, value: text }, 'name', 'value')),
    }),
    default: {},
  },
  serviceAccount: text,
  serviceAccountName: text,
  setHostnameAsFQDN: bool,
  shareProcessNamespace: bool,
  subdomain: text,
  terminationGracePeriodSeconds: { ...int, default: 30 },
  tolerations: list(object({ key: text, operator: text, value: text, effect: text, tolerationSeconds: int })),
  topologySpreadConstraints: keyedList(
    'topologyKey',
    object(
      {
        maxSkew: int,
        topologyKey: text,
        whenUnsatisfiable: text,
        labelSelector: atomic(object({ matchLabels: map(text), matchExpressions: list(open) })),
        matchLabelKeys: list(text),
        minDomains: int,
        nodeAffinityPolicy: text,
        nodeTaintsPolicy: text,
      },
      'topologyKey',
      'whenUnsatisfiable',
    ),
    'whenUnsatisfiable',
  ),
  volumes,
});

/** Source: core/v1 PodTemplateSpec. */
export const podTemplate: Schema = object({
  metadata: openObject({ labels: map(text), annotations: map(text) }),
  spec: podSpec,
});

/**
 * A spec with what an API server fills in and no schema can: values that follow from others. The same
 * spec when there is nothing to fill in. Source: k8s.io/kubernetes, pkg/apis/core/v1/defaults.go (v1.32).
 */
export function defaultPodSpec(spec: unknown): unknown {
  if (!isMembers(spec)) return spec;
  const out: Record<string, unknown> = { ...spec };
  for (const member of ['containers', 'initContainers'])
    if (Array.isArray(spec[member])) out[member] = spec[member].map(defaultContainer);
  if (Array.isArray(spec.volumes)) out.volumes = spec.volumes.map(defaultVolume);
  if (spec.serviceAccountName !== undefined) out.serviceAccount = spec.serviceAccountName;
  return out;
}

function defaultContainer(input: unknown): unknown {
  if (!isMembers(input)) return input;
  const out: Record<string, unknown> = { ...input };
  out.imagePullPolicy ??= pullPolicyOf(String(input.image ?? ''));
  if (Array.isArray(input.env)) out.env = input.env.map(defaultEnv);
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'])
    if (isMembers(input[probe])) out[probe] = defaultProbe(input[probe]);
  return out;
}

/** An image without a tag means `latest`, which may move; every other is fetched once. */
function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const tag = /:([\w.-]+)$/.exec(image.split('@')[0]?.split('/').at(-1) ?? '')?.[1];
  return image.includes('@') || (tag !== undefined && tag !== 'latest') ? 'IfNotPresent' : 'Always';
}

function defaultEnv(variable: unknown): unknown {
  if (!isMembers(variable) || !isMembers(variable.valueFrom)) return variable;
  const { fieldRef } = variable.valueFrom;
  if (!isMembers(fieldRef)) return variable;
  return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { apiVersion: 'v1', ...fieldRef } } };
}

function defaultProbe(probe: Members): Members {
  const filled = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, ...probe };
  if (!isMembers(probe.httpGet)) return filled;
  return { ...filled, httpGet: { path: '/', scheme: 'HTTP', ...probe.httpGet } };
}

const FILE_VOLUMES = ['configMap', 'secret', 'downwardAPI', 'projected'];

function defaultVolume(volume: unknown): unknown {
  if (!isMembers(volume)) return volume;
  if (Object.keys(volume).length === 1) return { ...volume, emptyDir: {} };
  const out: Record<string, unknown> = { ...volume };
  for (const source of FILE_VOLUMES)
    if (isMembers(volume[source])) out[source] = { defaultMode: 0o644, ...volume[source] };
  if (isMembers(volume.hostPath)) out.hostPath = { type: '', ...volume.hostPath };
  return out;
}

const TOLERATION_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** What is wrong with the spec of a Pod or a template at `path`, beyond its schema. */
export function checkPodSpec(spec: unknown, path: string): KubeCause[] {
  const causes: KubeCause[] = [];
  const names = new Set<unknown>();
  const volumeNames = new Set<unknown>();
  for (const [index, { name }] of listOf(spec, 'volumes').entries()) {
    const at = `${path}.volumes[${index}].name`;
    causes.push(...checkName(name, at));
    if (volumeNames.has(name)) causes.push(duplicateValue(at, name));
    volumeNames.add(name);
  }
  if (listOf(spec, 'containers').length === 0) causes.push(requiredValue(`${path}.containers`));
  for (const member of ['initContainers', 'containers'])
    for (const [index, one] of listOf(spec, member).entries()) {
      const at = `${path}.${member}[${index}]`;
      causes.push(...checkName(one.name, `${at}.name`));
      if (typeof one.image !== 'string' || one.image === '') causes.push(requiredValue(`${at}.image`));
      if (names.has(one.name)) causes.push(duplicateValue(`${at}.name`, one.name));
      for (const [mount, { name }] of listOf(one, 'volumeMounts').entries())
        if (!volumeNames.has(name)) causes.push(notFoundValue(`${at}.volumeMounts[${mount}].name`, name));
      names.add(one.name);
    }
  for (const [index, { effect }] of listOf(spec, 'tolerations').entries())
    if (effect !== undefined && effect !== '' && !TOLERATION_EFFECTS.includes(String(effect)))
      causes.push(unsupportedValue(`${path}.tolerations[${index}].effect`, effect, TOLERATION_EFFECTS));
  return causes;
}

function checkName(name: unknown, path: string): readonly KubeCause[] {
  if (name === undefined || name === '') return [requiredValue(path)];
  const complaint = nameComplaint('label', String(name));
  return complaint === undefined ? [] : [invalidValue(path, name, complaint)];
}

function listOf(spec: unknown, member: string): readonly Members[] {
  const value = isMembers(spec) ? spec[member] : undefined;
  return Array.isArray(value) ? value.filter(isMembers) : [];
}
