import type {
  Node,
  NodeRequirement,
  NodeSelectorTerm,
  Pod,
  Taint,
  Toleration,
} from '../../../src/kube/core.ts';

/*
 * Which node a Pod may be on. Resources are not counted: nodes of this house hold any number of Pods.
 * Source: Kubernetes documentation, "Assigning Pods to Nodes", "Taints and Tolerations".
 */

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => bears(toleration, taint));
}

export function bears({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && (effect as string) !== '' && effect !== taint.effect) return false;
  if (key === undefined || key === '') return operator === 'Exists';
  if (key !== taint.key) return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

/** Labels and affinity that are required. */
export function isWanted({ spec }: Pick<Pod, 'spec'>, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (Object.entries(spec.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => fitsTerm(term, node));
}

function fitsTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  const fields: Readonly<Record<string, string>> = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => fits(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => fits(requirement, fields[requirement.key]))
  );
}

function fits({ operator, values = [] }: NodeRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
  }
}

/** The taints that keep a Pod from a node, one that is cordoned being one of them. */
export function untolerated({ spec }: Pick<Pod, 'spec'>, node: Node): readonly Taint[] {
  const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  const given = node.spec?.taints ?? [];
  const known = given.some(({ key }) => key === cordon.key);
  const taints = node.spec?.unschedulable === true && !known ? [...given, cordon] : given;
  return taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(spec.tolerations ?? [], taint),
  );
}

export function isNodeReady(node: Node): boolean {
  const conditions = (node.status?.conditions ?? []) as readonly { type?: string; status?: string }[];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
