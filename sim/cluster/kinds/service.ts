import type { KubeCause } from '../../../src/kube/error.ts';
import {
  duplicateValue,
  forbiddenValue,
  invalidValue,
  requiredValue,
} from '../../../src/kube/field-cause.ts';
import { selectorText } from '../label-selector.ts';
import { AGE, at, column, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, isMembers, type Members, type StoredObject } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import {
  atomic,
  bool,
  conditions,
  int,
  intOrText,
  keyedList,
  list,
  map,
  object,
  oneOf,
  openObject,
  text,
} from './schema.ts';

/** Gives out the addresses of 10.96.0.0/16 in order, and takes them back. */
export class ClusterIps {
  readonly #taken = new Set<string>();
  #last = 9;

  /** Returns undefined when every address is taken. */
  take(): string | undefined {
    for (let tries = 0; tries < 0xffff; tries++) {
      this.#last = (this.#last % 0xfffe) + 1;
      const address = `10.96.${this.#last >> 8}.${this.#last & 0xff}`;
      if (this.reserve(address)) return address;
    }
    return undefined;
  }

  /** False when someone else has it. */
  reserve(address: string): boolean {
    if (this.#taken.has(address)) return false;
    this.#taken.add(address);
    return true;
  }

  release(address: string): void {
    this.#taken.delete(address);
  }
}

/** Source: core/v1 Service. Node ports are not given out: nothing here listens on a node. */
export function serviceKind(addresses: ClusterIps): Resource {
  return builtIn({
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    description: 'A name and address for a set of Pods.',
    nameRule: 'label-1035',
    hasStatus: true,
    members: {
      spec: openObject({
        type: { ...oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'), default: 'ClusterIP' },
        clusterIP: text,
        clusterIPs: list(text),
        externalName: text,
        externalIPs: list(text),
        loadBalancerIP: text,
        loadBalancerClass: text,
        publishNotReadyAddresses: bool,
        allocateLoadBalancerNodePorts: bool,
        externalTrafficPolicy: text,
        healthCheckNodePort: int,
        internalTrafficPolicy: text,
        ipFamilies: list(text),
        ipFamilyPolicy: text,
        loadBalancerSourceRanges: list(text),
        sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: int }) }),
        trafficDistribution: text,
        sessionAffinity: { ...oneOf('None', 'ClientIP'), default: 'None' },
        selector: atomic(map(text)),
        ports: keyedList(
          'port',
          openObject(
            {
              name: text,
              protocol: { ...oneOf('TCP', 'UDP', 'SCTP'), default: 'TCP' },
              port: { ...int, minimum: 1, maximum: 65535 },
              targetPort: intOrText,
              nodePort: int,
            },
            'port',
          ),
          'protocol',
        ),
      }),
      status: object({
        loadBalancer: object({ ingress: list(openObject({ ip: text, hostname: text })) }),
        conditions,
      }),
    },
    required: ['spec'],
    columns: [
      column('Type', (service) => at(service, 'spec.type')),
      column('Cluster-IP', (service) => textAt(service, 'spec.clusterIP') || '<none>'),
      column('External-IP', externalAddress),
      column('Port(s)', portsText),
      AGE,
      column('Selector', (service) => selectorOf(service) || '<none>', 1),
    ],
    selectableFields: (service) => ({
      'spec.clusterIP': textAt(service, 'spec.clusterIP'),
      'spec.type': textAt(service, 'spec.type'),
    }),
    fillIn: (draft) => {
      fillPorts(draft);
      fillTraffic(draft);
    },
    prepare: (draft, previous) => {
      if (previous === undefined) draft.status = { loadBalancer: {} };
      if (previous !== undefined) keepAddress(draft, previous);
    },
    validate: checkService,
    allocate: (service) => assignAddress(service, addresses),
    release: (service) => addresses.release(textAt(service, 'spec.clusterIP')),
  });
}

function specOf(service: Members): Members {
  return isMembers(service.spec) ? service.spec : {};
}

function fillPorts(draft: Draft): void {
  const { ports } = specOf(draft);
  if (!Array.isArray(ports) || ports.every((port) => at(port, 'targetPort') !== undefined)) return;
  const filled = ports.map((port) =>
    isMembers(port) ? { ...port, targetPort: port.targetPort ?? port.port } : port,
  );
  draft.spec = { ...specOf(draft), ports: filled };
}

/** Source: pkg/apis/core/v1/defaults.go, SetDefaults_Service. */
function fillTraffic(draft: Draft): void {
  const spec = specOf(draft);
  const filled: Record<string, unknown> = {};
  if (spec.sessionAffinity === 'ClientIP')
    filled.sessionAffinityConfig = { clientIP: { timeoutSeconds: 3 * 3600 } };
  if (spec.type !== 'ExternalName') filled.internalTrafficPolicy = 'Cluster';
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') filled.externalTrafficPolicy = 'Cluster';
  if (spec.type === 'LoadBalancer') filled.allocateLoadBalancerNodePorts = true;
  if (Object.keys(filled).some((member) => spec[member] === undefined)) draft.spec = { ...filled, ...spec };
}

/** IPv4 is all there is; only who finds no Pods by itself is asked to be ready for more. Source: pkg/registry/core/service/storage/alloc.go. */
function familiesOf({ clusterIP, selector }: Members): Members {
  return clusterIP === 'None' && selector === undefined
    ? { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }
    : { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
}

/** A client that leaves the address out means the one it has. */
function keepAddress(draft: Draft, previous: StoredObject): void {
  const spec = specOf(draft);
  const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = specOf(previous);
  if (spec.type !== 'ExternalName' && spec.clusterIP === undefined && clusterIP !== undefined)
    draft.spec = { ipFamilies, ipFamilyPolicy, ...spec, clusterIP, clusterIPs };
}

function assignAddress(draft: Draft, addresses: ClusterIps): readonly KubeCause[] {
  const spec = specOf(draft);
  if (spec.type === 'ExternalName') return [];
  if (spec.clusterIP === 'None') {
    draft.spec = { ...familiesOf(spec), ...spec, clusterIPs: ['None'] };
    return [];
  }
  if (typeof spec.clusterIP === 'string' && spec.clusterIP !== '') {
    if (addresses.reserve(spec.clusterIP)) {
      draft.spec = { ...familiesOf(spec), ...spec, clusterIPs: [spec.clusterIP] };
      return [];
    }
    return [invalidValue('spec.clusterIPs[0]', spec.clusterIP, 'provided IP is already allocated')];
  }
  const clusterIP = addresses.take();
  if (clusterIP === undefined)
    return [forbiddenValue('spec.clusterIP', 'the range of cluster addresses is full')];
  draft.spec = { ...familiesOf(spec), ...spec, clusterIP, clusterIPs: [clusterIP] };
  return [];
}

function checkService(service: Draft, previous: StoredObject | undefined): readonly KubeCause[] {
  const causes: KubeCause[] = [];
  const spec = specOf(service);
  const ports = Array.isArray(spec.ports) ? spec.ports : [];
  if (ports.length === 0 && spec.clusterIP !== 'None' && spec.type !== 'ExternalName')
    causes.push(requiredValue('spec.ports'));
  const names = new Set<unknown>();
  for (const [index, port] of ports.entries()) {
    const name = at(port, 'name');
    if (ports.length > 1 && name === undefined) causes.push(requiredValue(`spec.ports[${index}].name`));
    if (name !== undefined && names.has(name)) causes.push(duplicateValue(`spec.ports[${index}].name`, name));
    names.add(name);
  }
  const before = previous === undefined ? undefined : specOf(previous).clusterIP;
  if (before !== undefined && spec.clusterIP !== before && spec.type !== 'ExternalName')
    causes.push(invalidValue('spec.clusterIPs[0]', spec.clusterIP ?? '', 'may not change once set'));
  return causes;
}

function selectorOf(service: StoredObject): string {
  const matchLabels = at(service, 'spec.selector') as Readonly<Record<string, string>> | undefined;
  return matchLabels === undefined ? '' : selectorText({ matchLabels });
}

function externalAddress(service: StoredObject): string {
  const ingress = at(service, 'status.loadBalancer.ingress');
  if (Array.isArray(ingress) && ingress.length > 0)
    return ingress.map((one) => textAt(one, 'ip') || textAt(one, 'hostname')).join(',');
  if (at(service, 'spec.type') === 'ExternalName') return textAt(service, 'spec.externalName');
  return at(service, 'spec.type') === 'LoadBalancer' ? '<pending>' : '<none>';
}

function portsText(service: StoredObject): string {
  const { ports } = specOf(service);
  if (!Array.isArray(ports) || ports.length === 0) return '<none>';
  return ports.map((port) => `${at(port, 'port')}/${at(port, 'protocol')}`).join(',');
}
