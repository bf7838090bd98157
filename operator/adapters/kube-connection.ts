import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeConnectionError } from './kube-connection-error.ts';

/** Where the cluster is and who we are to it. */
export type KubeConnection =
  /** A kubeconfig file; `context` is one of its names, absent: its current one. */
  | { readonly kubeconfig: string; readonly context?: string }
  /** What kubectl would take: the files that KUBECONFIG lists, `~/.kube/config`, or in a Pod its own account. */
  | { readonly kubeconfig: 'default'; readonly context?: string }
  /** The service account of the Pod that this process runs in. */
  | { readonly inCluster: true }
  /** A server by its address, for example an embedded cluster; `token` is a bearer token. */
  | ServerAddress;

export interface ServerAddress {
  readonly url: string;
  readonly token?: string;
  /** PEM of whom the server's certificate is signed by; absent: of those that this machine believes. */
  readonly authority?: string;
}

/** Throws KubeConnectionError naming the file or context when there is nothing to connect to; sends nothing. */
export function connect(connection: KubeConnection): KubeConfig {
  if ('url' in connection) return connectTo(connection);
  if ('inCluster' in connection) return connectFromInside();
  const { kubeconfig, context } = connection;
  const files = kubeconfig === 'default' ? defaultFiles() : [kubeconfig];
  if (files.length === 0) {
    if (process.env.KUBERNETES_SERVICE_HOST !== undefined) return connectFromInside();
    throw new KubeConnectionError(
      `there is no kubeconfig: KUBECONFIG is not set and there is no ${homeFile()}; name a file`,
    );
  }
  const config = files.map(readConfig).reduce(merge);
  selectContext(config, files.join(delimiter), context);
  return config;
}

function connectTo({ url, token, authority }: ServerAddress): KubeConfig {
  const config = new KubeConfig();
  const name = 'explicit';
  config.loadFromClusterAndUser(
    {
      ...{ name, server: url, skipTLSVerify: isPlain(url) },
      ...(authority !== undefined && { caData: Buffer.from(authority).toString('base64') }),
    },
    { name, ...(token !== undefined && { token }) },
  );
  return config;
}

function connectFromInside(): KubeConfig {
  if (process.env.KUBERNETES_SERVICE_HOST === undefined)
    throw new KubeConnectionError('not in a cluster: KUBERNETES_SERVICE_HOST is not set');
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

/** The library takes plain HTTP only from those who say that they want no TLS. */
const isPlain = (url: string | undefined): boolean => url?.startsWith('http:') === true;

const homeFile = (): string => join(homedir(), '.kube', 'config');

/** Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files". */
function defaultFiles(): string[] {
  const listed = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) return listed;
  return existsSync(homeFile()) ? [homeFile()] : [];
}

function readConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new KubeConnectionError(`there is no kubeconfig ${file}`);
    if (code === 'EISDIR') throw new KubeConnectionError(`${file} is a folder; name a kubeconfig file`);
    if (code === 'EACCES') throw new KubeConnectionError(`the kubeconfig ${file} may not be read`);
    const [why = ''] = error instanceof Error ? error.message.split('\n') : [String(error)];
    throw new KubeConnectionError(`${file} is no kubeconfig: ${why}`);
  }
  if (config.clusters.length === 0)
    throw new KubeConnectionError(`${file} is no kubeconfig: it names no cluster`);
  // As kubectl, and as `kubectl proxy` needs it.
  config.clusters = config.clusters.map((one) =>
    isPlain(one.server) ? { ...one, skipTLSVerify: true } : one,
  );
  return config;
}

/** What the first file says wins, as with kubectl. */
function merge(first: KubeConfig, next: KubeConfig): KubeConfig {
  const unknown = <T extends { readonly name: string }>(known: readonly T[], more: readonly T[]): T[] =>
    more.filter(({ name }) => !known.some((one) => one.name === name));
  first.clusters = [...first.clusters, ...unknown(first.clusters, next.clusters)];
  first.users = [...first.users, ...unknown(first.users, next.users)];
  first.contexts = [...first.contexts, ...unknown(first.contexts, next.contexts)];
  first.currentContext ||= next.currentContext;
  return first;
}

function selectContext(config: KubeConfig, file: string, wanted: string | undefined): void {
  const names = config.contexts.map(({ name }) => name);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  const name = wanted ?? config.currentContext;
  if (name === undefined || name === '')
    throw new KubeConnectionError(`${file} names no current context; choose one: ${known}`);
  const context = config.getContextObject(name);
  if (context === null) throw new KubeConnectionError(`${file} has no context ${name}; ${known}`);
  if (config.getCluster(context.cluster) === null)
    throw new KubeConnectionError(
      `${file}: context ${name} means cluster ${context.cluster}, which is not there`,
    );
  if (context.user !== undefined && config.getUser(context.user) === null)
    throw new KubeConnectionError(`${file}: context ${name} means user ${context.user}, who is not there`);
  config.setCurrentContext(name);
}
