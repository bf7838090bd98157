import { KubeConfig } from '@kubernetes/client-node';

/** Where the cluster is and who we are to it. */
export type KubeConnection =
  /** A kubeconfig file; `context` is one of its names, absent: its current one. */
  | { readonly kubeconfig: string; readonly context?: string }
  /** The service account of the Pod that this process runs in. */
  | { readonly inCluster: true }
  /** A server by its address, for example an embedded cluster; `token` is a bearer token. */
  | { readonly url: string; readonly token?: string };

/** Throws Error naming the file or context when there is nothing to connect to. */
export function connect(connection: KubeConnection): KubeConfig {
  const config = new KubeConfig();
  if ('url' in connection) {
    const { url, token } = connection;
    const name = 'explicit';
    config.loadFromClusterAndUser(
      // The library takes plain HTTP only from those who say that they want no TLS.
      { name, server: url, skipTLSVerify: url.startsWith('http:') },
      { name, ...(token !== undefined && { token }) },
    );
  } else if ('kubeconfig' in connection) {
    const { kubeconfig, context } = connection;
    config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
    if (config.getCurrentCluster() === null)
      throw new Error(
        `${kubeconfig}: context ${JSON.stringify(config.getCurrentContext())} names no cluster`,
      );
  } else {
    if (process.env.KUBERNETES_SERVICE_HOST === undefined)
      throw new Error('not in a cluster: KUBERNETES_SERVICE_HOST is not set');
    config.loadFromCluster();
  }
  return config;
}
