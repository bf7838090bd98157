import type { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import { KubeConnectionError } from '../../../operator/adapters/kube-connection-error.ts';
import { LEASE, type Lease } from '../../../src/kube/core.ts';
import { isKubeError, type KubeError } from '../../../src/kube/error.ts';
import { WorldError } from '../../../src/scenario/world.ts';
import { findMissingRights } from './rights.ts';

/** The first version in which everything we use is final; the last to come were validation rules of CRDs. Source: Kubernetes, "Validation rules", v1.29. */
const OLDEST = { major: 1, minor: 29 };
/** Name of the Lease that operators elect their leader with. */
const OPERATOR_LEASE = 'brickproof-operator';
/** A Lease that was renewed this long ago has a holder, whatever our clock and the server's make of each other. */
const FRESH_MS = 300_000;

/** A cluster as its kubeconfig names it. */
export interface Target {
  readonly context: string;
  readonly user: string;
  readonly server: string;
}

/** Throws KubeConnectionError for a server elsewhere that nobody has named: a scenario creates and deletes objects. */
export function confirmTarget({ context, server }: Target, named: string | undefined): void {
  const { hostname } = new URL(server);
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  if (isHere || named !== undefined) return;
  throw new KubeConnectionError(
    `context ${context} is ${server}, which is not on this machine, and a run creates and deletes objects there; if you mean it, add --context ${context}`,
  );
}

/** Rejects with WorldError `unavailable`, before anything is touched, when a run could not be had on that cluster. */
export async function checkCluster(kube: ClientNodeKubeApi, target: Target): Promise<void> {
  const { gitVersion, major, minor } = await kube.version().catch((error) => refuse(error, target));
  const isOld =
    Number.parseInt(major, 10) < OLDEST.major ||
    (Number.parseInt(major, 10) === OLDEST.major && Number.parseInt(minor, 10) < OLDEST.minor);
  if (isOld)
    throw unavailable(
      `${target.server} is Kubernetes ${gitVersion}; brickproof needs ${OLDEST.major}.${OLDEST.minor} or newer`,
    );
  const missing = await findMissingRights(kube).catch((error) => refuse(error, target));
  if (missing.length > 0)
    throw unavailable(
      `user ${target.user} of context ${target.context} may not do what a run needs: ${missing.join('; ')}. Have these granted, or use a context that may`,
    );
  const fieldSelector = `metadata.name=${OPERATOR_LEASE}`;
  const { items } = await kube.list(LEASE, { fieldSelector }).catch((error) => refuse(error, target));
  const held = items.find((lease) => isHeld(lease));
  if (held !== undefined)
    throw unavailable(
      `an operator of brickproof runs there already (${held.spec.holderIdentity} holds Lease ${held.metadata.namespace}/${OPERATOR_LEASE}) and would act on the run's objects, too; use a cluster without one`,
    );
}

/** What runs in a cluster besides its API server. */
export interface Controllers {
  readonly scheduler: boolean;
  /** Garbage collection, namespaces and the rest of kube-controller-manager. */
  readonly manager: boolean;
}

/** Looks for their Leases; one that may not be read is taken for held, as in a cluster that hides its control plane. */
export async function findControllers(kube: ClientNodeKubeApi): Promise<Controllers> {
  const runs = async (name: string): Promise<boolean> => {
    try {
      return isHeld(await kube.get(LEASE, { namespace: 'kube-system', name }));
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return false;
      if (isKubeError(error, 'Forbidden')) return true;
      throw error;
    }
  };
  return { scheduler: await runs('kube-scheduler'), manager: await runs('kube-controller-manager') };
}

export function isHeld({ spec }: Lease, freshMs = FRESH_MS): boolean {
  const { holderIdentity = '', renewTime = '' } = spec;
  return holderIdentity !== '' && Date.now() - Date.parse(renewTime) < freshMs;
}

function refuse(error: unknown, { context, server, user }: Target): never {
  if (!isKubeError(error)) throw error;
  const why: Partial<Record<KubeError['reason'], string>> = {
    Unauthorized: `${server} does not know the credentials of user ${user} in context ${context}: a token or certificate may have expired; log in again`,
    Forbidden: `${server} refuses user ${user} of context ${context}: ${error.message}`,
  };
  throw unavailable(why[error.reason] ?? `${server}, context ${context}: ${error.message}`, error);
}

function unavailable(message: string, cause?: unknown): WorldError {
  return new WorldError('unavailable', message, { cause });
}
