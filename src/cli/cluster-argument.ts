import { type Command, Option } from 'commander';
import type { StandIns } from '../../sim/live/cluster/borrowed-cluster.ts';
import type { ClusterChoice } from '../../sim/live/cluster/cluster-choice.ts';
import { rejectUsage } from './failure.ts';

export interface ClusterFlags {
  /** `embedded`, `kubeconfig[=PATH]` or `kind[=NAME]`. */
  readonly cluster?: string;
  readonly context?: string;
  readonly standIns?: StandIns;
}

const KIND_CLUSTER = 'brickproof';

/** Adds the options that say whose cluster is used. */
export function withClusterOptions(command: Command): Command {
  return command
    .option(
      '--cluster <where>',
      'whose cluster: embedded, kubeconfig[=PATH], or kind[=NAME], which is made when it is not there',
      'embedded',
    )
    .option(
      '--context <name>',
      'with kubeconfig: the context to take; must be given for a cluster that is not on this machine',
    )
    .addOption(
      new Option(
        '--stand-ins <which>',
        "with kubeconfig or kind: play scheduler and controllers; auto: those that the cluster has not (default: 'auto')",
      ).choices(['auto', 'all', 'none']),
    );
}

/** What the flags mean; throws UsageError when they do not fit together. */
export function chooseCluster({ cluster = 'embedded', context, standIns }: ClusterFlags): ClusterChoice {
  const [, kind = '', value] = /^([a-z]+)(?:=(.*))?$/s.exec(cluster) ?? [];
  if (!['embedded', 'kubeconfig', 'kind'].includes(kind) || value === '')
    rejectUsage(`--cluster ${cluster}: write embedded, kubeconfig, kubeconfig=PATH, kind or kind=NAME`);
  if (context !== undefined && kind !== 'kubeconfig')
    rejectUsage('--context is one of a kubeconfig: add --cluster kubeconfig[=PATH]');
  if (kind === 'embedded') {
    if (value !== undefined) rejectUsage('--cluster embedded takes no value');
    if (standIns !== undefined)
      rejectUsage('--stand-ins is for other clusters; the embedded one has all it needs');
    return { kind, port: 0 };
  }
  const given = { standIns: standIns ?? 'auto' };
  if (kind === 'kind') {
    const name = value ?? KIND_CLUSTER;
    // Source: kind, pkg/cluster, validNameRE.
    if (!/^[a-z0-9.-]+$/.test(name))
      rejectUsage(`--cluster kind=${name}: the name of a kind cluster has only a-z, 0-9, - and .`);
    return { kind, name, ...given };
  }
  return {
    ...{ kind: 'kubeconfig', ...given },
    ...(value !== undefined && { path: value }),
    ...(context !== undefined && { context }),
  };
}

/** The flags as they would be typed again, each with a blank before it. */
export function clusterWords({ cluster = 'embedded', context, standIns }: ClusterFlags): string {
  return [
    ...(cluster === 'embedded' ? [] : [` --cluster ${cluster}`]),
    ...(context === undefined ? [] : [` --context ${context}`]),
    ...(standIns === undefined ? [] : [` --stand-ins ${standIns}`]),
  ].join('');
}
