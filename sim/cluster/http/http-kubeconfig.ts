import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { Credential } from '../auth/certificate-authority.ts';

/** Somebody whom the server knows, by a certificate or a token; by neither where it does not ask. */
export interface KubeconfigUser {
  readonly name: string;
  readonly credential?: Credential;
  readonly token?: string;
}

export interface KubeconfigParts {
  /** PEM of whom the server's certificate is signed by; absent: there is no TLS. */
  readonly authority?: string;
  /** Further users, each with a context of their own name. */
  readonly users?: readonly KubeconfigUser[];
  /** Whom the current context, `brickproof`, is for. */
  readonly admin?: Omit<KubeconfigUser, 'name'>;
}

/** A kubeconfig whose current context, `brickproof`, leads to `url`. */
export function kubeconfig(url: string, { authority, users = [], admin = {} }: KubeconfigParts = {}): string {
  const name = 'brickproof';
  const cluster =
    authority === undefined
      ? // Without TLS the JavaScript client wants to be told that there is none.
        { server: url, 'insecure-skip-tls-verify': true }
      : { server: url, 'certificate-authority-data': base64(authority) };
  const all = [{ name, ...admin }, ...users];
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: all.map((user) => ({ name: user.name, user: authInfo(user) })),
    contexts: all.map((user) => ({
      name: user.name,
      context: { cluster: name, user: user.name, namespace: 'default' },
    })),
    'current-context': name,
  });
}

/** Readable by its owner only, as kubectl expects of a kubeconfig. */
export async function writeKubeconfig(path: string, url: string, parts?: KubeconfigParts): Promise<void> {
  await writeFile(path, kubeconfig(url, parts), { mode: 0o600 });
}

function authInfo({ credential, token }: KubeconfigUser): object {
  return {
    ...(token !== undefined && { token }),
    ...(credential !== undefined && {
      'client-certificate-data': base64(credential.certificate),
      'client-key-data': base64(credential.key),
    }),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
