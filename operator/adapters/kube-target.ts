import type { KubeConfig } from '@kubernetes/client-node';

/** Where a configuration leads, in names for people. */
export function targetOf(config: KubeConfig): { context: string; user: string; server: string } {
  const context = config.getCurrentContext();
  return {
    context,
    user: config.getCurrentUser()?.name ?? 'nobody',
    server: config.getCurrentCluster()?.server ?? '',
  };
}

/** The current context alone as a kubeconfig, with its credentials, and with `namespace` for those who name none. */
export function exportInto(config: KubeConfig, namespace: string): string {
  const { clusters = [], users = [], contexts = [] } = JSON.parse(config.exportConfig()) as Exported;
  const name = config.getCurrentContext();
  const entry = contexts.find((one) => one.name === name);
  const { cluster = '', user = '' } = entry?.context ?? {};
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': name },
    clusters: clusters.filter((one) => one.name === cluster),
    users: users.filter((one) => one.name === user),
    contexts: [{ name, context: { cluster, namespace, ...(user !== '' && { user }) } }],
  });
}

interface Exported {
  readonly clusters?: readonly { readonly name: string }[];
  readonly users?: readonly { readonly name: string }[];
  readonly contexts?: readonly {
    readonly name: string;
    readonly context: { readonly cluster?: string; readonly user?: string };
  }[];
}
