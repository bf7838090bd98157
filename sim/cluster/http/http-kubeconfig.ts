import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

/** A kubeconfig whose one context, `brickproof`, leads to `url`. It says that there is no TLS, without which the JavaScript client refuses plain HTTP. */
export function kubeconfig(url: string): string {
  const name = 'brickproof';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}

/** Readable by its owner only, as kubectl expects of a kubeconfig. */
export async function writeKubeconfig(path: string, url: string): Promise<void> {
  await writeFile(path, kubeconfig(url), { mode: 0o600 });
}
