import { CONFIGURATION_CRD, INSTANCE_CRD } from '../../../src/kube/akri.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import type { CustomResourceDefinition } from '../../../src/kube/crd.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import type { KubeObject, NewObject } from '../../../src/kube/object.ts';
import { WorldError } from '../../../src/scenario/world.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { DEFINITION, DEFINITIONS } from '../../install.ts';

type Definition = CustomResourceDefinition & KubeObject;

/** Somebody else's: they may be of another release as long as they serve the version that we speak. */
const AKRIS: readonly CustomResourceDefinition[] = [CONFIGURATION_CRD, INSTANCE_CRD];
/** Time in which a server takes up a new definition. */
const ESTABLISHED_MS_MAX = 30_000;
const ASK_MS = 100;

/**
 * Puts our definitions into a cluster, and Akri's where it has none; returns the names of the new ones.
 *
 * Those that are there stay as they are: other people's objects depend on them. Rejects with WorldError
 * `unavailable`, before anything is changed, when one of them is not the one that we need.
 */
export async function ensureDefinitions(kube: KubeApi, clock: Clock): Promise<string[]> {
  const missing: CustomResourceDefinition[] = [];
  for (const wanted of DEFINITIONS) {
    const { name } = wanted.metadata;
    const present = await kube.get(DEFINITION, { name }).catch(unlessGone);
    if (present === undefined) missing.push(wanted);
    else if (AKRIS.includes(wanted)) checkVersions(wanted, present);
    else checkEqual(wanted, present);
  }
  for (const definition of missing) await kube.create(DEFINITION, definition as NewObject<Definition>);
  for (const { metadata } of missing) await whenEstablished(kube, clock, metadata.name);
  return missing.map(({ metadata }) => metadata.name);
}

function checkVersions(wanted: CustomResourceDefinition, present: CustomResourceDefinition): void {
  for (const { name } of wanted.spec.versions)
    if (!present.spec.versions.some((version) => version.name === name && version.served))
      throw new WorldError(
        'unavailable',
        `the cluster's ${wanted.metadata.name} does not serve version ${name}, which brickproof speaks`,
      );
}

function checkEqual(wanted: CustomResourceDefinition, present: CustomResourceDefinition): void {
  const where = findDifference(wanted.spec, present.spec, 'spec');
  if (where !== undefined)
    throw new WorldError(
      'unavailable',
      `the cluster's ${wanted.metadata.name} is of another release of brickproof: it differs at ${where}; apply operator/crds, or use another cluster`,
    );
}

/** Path of the first thing wanted that is not so; a server adds defaults, which are no difference. */
function findDifference(wanted: unknown, present: unknown, path: string): string | undefined {
  if (typeof wanted !== 'object' || wanted === null) return Object.is(wanted, present) ? undefined : path;
  if (typeof present !== 'object' || present === null) return path;
  if (Array.isArray(wanted) && (!Array.isArray(present) || wanted.length !== present.length)) return path;
  for (const [name, value] of Object.entries(wanted)) {
    const found = findDifference(value, (present as Record<string, unknown>)[name], `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function whenEstablished(kube: KubeApi, clock: Clock, name: string): Promise<void> {
  for (const deadlineMs = clock.nowMs + ESTABLISHED_MS_MAX; ; await clock.sleep(ASK_MS)) {
    const { status } = (await kube.get(DEFINITION, { name })) as Definition & Established;
    const conditions = status?.conditions ?? [];
    if (conditions.some((one) => one.type === 'Established' && one.status === 'True')) return;
    if (clock.nowMs >= deadlineMs)
      throw new WorldError(
        'unavailable',
        `the cluster does not take up ${name}: kubectl describe crd ${name}`,
      );
  }
}

interface Established {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function unlessGone(error: unknown): undefined {
  if (!isKubeError(error, 'NotFound')) throw error;
  return undefined;
}
