import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { KubeError } from '../../../src/kube/error.ts';
import type { ClusterAccess } from '../auth/cluster-access.ts';
import { AUTHENTICATED, CREDENTIAL_ID, type UserInfo } from '../auth/user.ts';

/**
 * Who a request comes from: by its client certificate, else by its bearer token, else nobody in particular.
 *
 * Throws Unauthorized when there are credentials and none of them is good: a wrong password never makes a
 * guest. Source: Kubernetes documentation, "Authenticating".
 */
export function authenticate(access: ClusterAccess, { headers, socket }: IncomingMessage): UserInfo {
  const certificate = certificateOf(socket as TLSSocket);
  if (certificate !== undefined && (socket as TLSSocket).authorized) return userOf(certificate);
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined) {
    const verdict = access.userOfToken(token);
    if (verdict.ok) return { ...verdict.user, groups: withAuthenticated(verdict.user.groups) };
    throw unauthorized();
  }
  if (certificate !== undefined) throw unauthorized();
  return access.visitor;
}

function certificateOf(socket: Partial<TLSSocket>): DetailedPeerCertificate | undefined {
  const certificate = socket.getPeerCertificate?.(true);
  return certificate === undefined || certificate.raw === undefined ? undefined : certificate;
}

/** CN is the name, each O a group. Source: k8s.io/apiserver, authentication/request/x509. */
function userOf({ subject, raw }: DetailedPeerCertificate): UserInfo {
  const { CN: name, O: groups = [] } = subject as { CN?: string; O?: string | readonly string[] };
  if (!name) throw unauthorized();
  const id = `X509SHA256=${createHash('sha256').update(raw).digest('hex')}`;
  return { name, groups: withAuthenticated([groups].flat()), extra: { [CREDENTIAL_ID]: [id] } };
}

function withAuthenticated(groups: readonly string[]): readonly string[] {
  return groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED];
}

function unauthorized(): KubeError {
  return new KubeError('Unauthorized', 'Unauthorized');
}
