/** There is nothing to connect to: a kubeconfig that is missing or broken, or a context that is not in it. Nothing was sent. */
export class KubeConnectionError extends Error {
  override readonly name = 'KubeConnectionError';
}
