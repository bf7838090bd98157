import { type Account, allow, grant, serviceAccount } from '../../operator/index.ts';
import { CONFIGURATION, INSTANCE } from '../../src/kube/akri.ts';
import type { KubeObject, NewObject } from '../../src/kube/object.ts';

/** The account of Akri's agent, as its chart names it. */
export const AKRI_ACCOUNT: Account = { namespace: 'akri', name: 'akri-agent-sa' };

const RULES = [allow(CONFIGURATION, 'list'), allow(INSTANCE, 'list', 'create', 'patch', 'delete')];

/** What the stand-in for Akri's agent may do; in the order to create it. */
export const AKRI_ACCESS: readonly NewObject<KubeObject>[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: AKRI_ACCOUNT.namespace } },
  serviceAccount(AKRI_ACCOUNT),
  ...grant('ClusterRole', AKRI_ACCOUNT, RULES),
];
