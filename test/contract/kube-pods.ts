import { describe, expect, test } from 'vitest';
import { POD, type Pod, SERVICE, type Service } from '../../src/kube/core.ts';
import type { KubeObject, NewObject } from '../../src/kube/object.ts';
import { JOB } from '../../src/kube/workloads.ts';
import type { Bench } from './kube.ts';
import { refusalOf } from './refusal.ts';

const ref = { name: 'settings', key: 'k', optional: true };
const httpGet = { path: '/ready', port: 'http', scheme: 'HTTP' };
const rhythm = { timeoutSeconds: 2, periodSeconds: 5, successThreshold: 1, failureThreshold: 4 };

/** What a careful person's manifest says: one of everything, with nothing left to be filled in. */
const EVERYTHING = {
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'somebody',
  terminationGracePeriodSeconds: 5,
  enableServiceLinks: false,
  serviceAccountName: 'builder',
  serviceAccount: 'builder',
  automountServiceAccountToken: false,
  hostNetwork: true,
  hostPID: true,
  nodeSelector: { disk: 'ssd' },
  priority: 0,
  preemptionPolicy: 'PreemptLowerPriority',
  securityContext: {
    runAsUser: 1000,
    fsGroup: 2000,
    supplementalGroups: [1],
    seccompProfile: { type: 'RuntimeDefault' },
  },
  hostAliases: [{ ip: '10.0.0.1', hostnames: ['a.example'] }],
  dnsConfig: { nameservers: ['10.0.0.2'], searches: ['example'], options: [{ name: 'ndots', value: '2' }] },
  readinessGates: [{ conditionType: 'example.com/ready' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }],
      },
    },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { labelSelector: { matchLabels: { a: 'b' } }, topologyKey: 'zone' } },
      ],
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { a: 'b' } },
    },
  ],
  volumes: [
    {
      name: 'map',
      configMap: { name: 'settings', items: [{ key: 'k', path: 'k.txt', mode: 256 }], defaultMode: 420 },
    },
    { name: 'secret', secret: { secretName: 's', defaultMode: 256, optional: true } },
    { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'host', hostPath: { path: '/dev', type: 'Directory' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'c', readOnly: true } },
    { name: 'nfs', nfs: { server: 'n', path: '/' } },
    {
      name: 'about',
      downwardAPI: {
        items: [{ path: 'n', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }],
        defaultMode: 420,
      },
    },
    { name: 'both', projected: { sources: [{ configMap: { name: 'settings' } }], defaultMode: 420 } },
  ],
  containers: [
    {
      name: 'main',
      image: 'web:1',
      imagePullPolicy: 'Never',
      command: ['run'],
      args: ['fast'],
      workingDir: '/w',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', valueFrom: { configMapKeyRef: ref } },
        { name: 'C', valueFrom: { secretKeyRef: ref } },
        { name: 'D', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
        { name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      ],
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings', optional: true } }],
      ports: [{ name: 'http', containerPort: 80, hostPort: 80, protocol: 'TCP' }],
      resources: { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '100m', memory: '32Mi' } },
      livenessProbe: { httpGet, initialDelaySeconds: 1, ...rhythm },
      readinessProbe: { tcpSocket: { port: 80 }, ...rhythm },
      startupProbe: { exec: { command: ['true'] }, ...rhythm },
      lifecycle: { preStop: { exec: { command: ['true'] } } },
      securityContext: {
        capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
      },
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [
        { name: 'map', mountPath: '/map', readOnly: true, subPath: 'k.txt' },
        { name: 'scratch', mountPath: '/tmp' },
      ],
      stdin: true,
      tty: true,
    },
  ],
  tolerations: [{ operator: 'Exists' }],
};

/** Pods and Services as people write them. */
export function podContract(bench: Bench): void {
  const newPod = async (spec: object): Promise<NewObject<Pod>> =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: await bench.namespace(), name: 'p' },
      spec,
    }) as unknown as NewObject<Pod>;
  const one = (more: object = {}) => ({ name: 'main', image: 'web:1', ...more });

  describe('Pods', () => {
    test('keep everything that a manifest says', async () => {
      const { spec } = await bench.api.create(POD, await newPod(EVERYTHING));
      expect(spec).toEqual(EVERYTHING);
    });

    test.each([
      [
        'a container without a name',
        { containers: [{ image: 'web:1' }] },
        ['FieldValueRequired spec.containers[0].name'],
      ],
      [
        'a container whose name is no label',
        { containers: [one({ name: 'Main' })] },
        ['FieldValueInvalid spec.containers[0].name'],
      ],
      [
        'a container whose name is too long',
        { containers: [one({ name: 'm'.repeat(64) })] },
        ['FieldValueInvalid spec.containers[0].name'],
      ],
      [
        'a volume without a name',
        { containers: [one()], volumes: [{ emptyDir: {} }] },
        ['FieldValueRequired spec.volumes[0].name'],
      ],
      [
        'a volume whose name is no label',
        { containers: [one()], volumes: [{ name: 'a.b', emptyDir: {} }] },
        ['FieldValueInvalid spec.volumes[0].name'],
      ],
      [
        'two volumes of one name',
        {
          containers: [one()],
          volumes: [
            { name: 'a', emptyDir: {} },
            { name: 'a', emptyDir: {} },
          ],
        },
        ['FieldValueDuplicate spec.volumes[1].name'],
      ],
      [
        'a mount of no volume',
        { containers: [one({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })] },
        ['FieldValueNotFound spec.containers[0].volumeMounts[0].name'],
      ],
      [
        'a node that has no such name',
        { containers: [one()], nodeName: 'Edge_1' },
        ['FieldValueInvalid spec.nodeName'],
      ],
    ])('with %s are refused', async (_, spec, causes) => {
      const found = await refusalOf(bench.api.create(POD, await newPod(spec)));
      expect([found.reason, ...found.causes]).toEqual(['Invalid', ...causes]);
    });
  });

  bench.needing('HTTP', 'fields of Pods that nobody knows', () => {
    test.each([
      ['spec.replicas', { containers: [one()], replicas: 1 }],
      ['spec.containers[0].imag', { containers: [one({ imag: 'x' })] }],
      ['spec.containers[0].livenessProbe.http', { containers: [one({ livenessProbe: { http: {} } })] }],
      ['spec.volumes[0].configmap', { containers: [one()], volumes: [{ name: 'v', configmap: {} }] }],
    ])('%s is refused by name', async (path, spec) => {
      const body = await newPod(spec);
      const { reason, message } = await bench.wire.refusal(
        'POST',
        `/api/v1/namespaces/${body.metadata.namespace}/pods`,
        { body, query: { fieldValidation: 'Strict' } },
      );
      expect(reason).toBe('BadRequest');
      expect(message).toContain(`unknown field "${path}"`);
    });
  });

  bench.needing('HTTP', 'tables', () => {
    test.each([
      [
        'pods',
        ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'],
      ],
      ['services', ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector']],
    ])('of %s have the columns that people know', async (plural, names) => {
      const { body } = await bench.wire.send('GET', `/api/v1/namespaces/default/${plural}`, {
        headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
      });
      const { columnDefinitions } = body as { columnDefinitions: { name: string }[] };
      expect(columnDefinitions.map(({ name }) => name)).toEqual(names);
    });
  });

  describe('Services', () => {
    const create = async (spec: object): Promise<Service> =>
      bench.api.create(SERVICE, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: await bench.namespace(), name: 's' },
        spec,
      } as unknown as NewObject<Service>);
    const ports = [{ port: 80 }];
    const selector = { app: 'web' };
    const usual = {
      type: 'ClusterIP',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
    };

    test.each([
      ['of a cluster', { ports, selector }, { ...usual, selector }],
      ['without addresses', { ports, selector, clusterIP: 'None' }, { ...usual, selector }],
      [
        'without addresses and selector',
        { ports, clusterIP: 'None' },
        { ...usual, ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
      ],
      [
        'for the world',
        { ports, selector, type: 'LoadBalancer' },
        {
          ...usual,
          selector,
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Cluster',
          allocateLoadBalancerNodePorts: true,
        },
      ],
      [
        'that is another name',
        { type: 'ExternalName', externalName: 'example.com' },
        { type: 'ExternalName', externalName: 'example.com', sessionAffinity: 'None' },
      ],
      [
        'that knows its clients',
        { ports, selector, sessionAffinity: 'ClientIP' },
        {
          ...usual,
          selector,
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
        },
      ],
    ])('%s get the defaults that a user leaves out', async (_, given, defaults) => {
      const { spec } = await create(given);
      const { clusterIP, clusterIPs, ports: _ports, ...rest } = spec as unknown as Record<string, unknown>;
      expect(clusterIPs).toEqual(clusterIP === undefined ? undefined : [clusterIP]);
      expect(rest).toEqual(defaults);
    });
  });

  test('a Job without labels shows those of its Pods', async () => {
    const namespace = await bench.namespace();
    const spec = { template: { spec: { restartPolicy: 'Never', containers: [one()] } } };
    const job: NewObject<KubeObject> & { spec: object } = {
      apiVersion: JOB.apiVersion,
      kind: 'Job',
      metadata: { namespace, name: 'j' },
      spec,
    };
    await bench.api.create(JOB, job as never);
    const { metadata } = await bench.api.get(JOB, { namespace, name: 'j' });
    expect(metadata.labels).toEqual({
      'batch.kubernetes.io/controller-uid': metadata.uid,
      'batch.kubernetes.io/job-name': 'j',
      'controller-uid': metadata.uid,
      'job-name': 'j',
    });
  });
}
