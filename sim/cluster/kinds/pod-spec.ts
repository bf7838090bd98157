import type { KubeCause } from '../../../src/kube/error.ts';
import { duplicateValue, requiredValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import { isMembers, type Members } from '../stored-object.ts';
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

const container = openObject(
  {
    name: { ...text, minLength: 1, maxLength: 63 },
    image: text,
    command: list(text),
    args: list(text),
    workingDir: text,
    env: keyedList('name', openObject({ name: text, value: text, valueFrom: open }, 'name')),
    ports: keyedList(
      'containerPort',
      openObject(
        { name: text, containerPort: int, protocol: { ...text, default: 'TCP' }, hostPort: int },
        'containerPort',
      ),
      'protocol',
    ),
    resources: { ...openObject({ limits: map(intOrText), requests: map(intOrText) }), default: {} },
    volumeMounts: keyedList(
      'mountPath',
      openObject({ name: text, mountPath: text, readOnly: bool }, 'name', 'mountPath'),
    ),
    imagePullPolicy: oneOf('Always', 'Never', 'IfNotPresent'),
    terminationMessagePath: { ...text, default: '/dev/termination-log' },
    terminationMessagePolicy: { ...oneOf('File', 'FallbackToLogsOnError'), default: 'File' },
    securityContext: open,
  },
  'name',
);

/** What Pods and the templates of workloads say about containers. Source: core/v1 PodSpec. */
export const podSpec: Schema = openObject({
  containers: keyedList('name', container),
  initContainers: keyedList('name', container),
  volumes: keyedList('name', openObject({ name: text }, 'name')),
  restartPolicy: { ...oneOf('Always', 'OnFailure', 'Never'), default: 'Always' },
  terminationGracePeriodSeconds: { ...int, default: 30 },
  activeDeadlineSeconds: int,
  nodeName: text,
  nodeSelector: atomic(map(text)),
  affinity: open,
  serviceAccountName: text,
  schedulerName: { ...text, default: 'default-scheduler' },
  dnsPolicy: { ...text, default: 'ClusterFirst' },
  imagePullSecrets: keyedList('name', atomic(object({ name: text }))),
  tolerations: list(
    openObject({ key: text, operator: text, value: text, effect: text, tolerationSeconds: int }),
  ),
  securityContext: { ...open, default: {} },
  hostAliases: keyedList('ip', openObject({ ip: text }, 'ip')),
  topologySpreadConstraints: keyedList(
    'topologyKey',
    openObject({ topologyKey: text, whenUnsatisfiable: text }, 'topologyKey', 'whenUnsatisfiable'),
    'whenUnsatisfiable',
  ),
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
  if (listOf(spec, 'containers').length === 0) causes.push(requiredValue(`${path}.containers`));
  for (const member of ['initContainers', 'containers'])
    for (const [index, one] of listOf(spec, member).entries()) {
      const at = `${path}.${member}[${index}]`;
      if (typeof one.image !== 'string' || one.image === '') causes.push(requiredValue(`${at}.image`));
      if (names.has(one.name)) causes.push(duplicateValue(`${at}.name`, one.name));
      names.add(one.name);
    }
  for (const [index, { effect }] of listOf(spec, 'tolerations').entries())
    if (effect !== undefined && effect !== '' && !TOLERATION_EFFECTS.includes(String(effect)))
      causes.push(unsupportedValue(`${path}.tolerations[${index}].effect`, effect, TOLERATION_EFFECTS));
  return causes;
}

function listOf(spec: unknown, member: string): readonly Members[] {
  const value = isMembers(spec) ? spec[member] : undefined;
  return Array.isArray(value) ? value.filter(isMembers) : [];
}
