import { CONFIGURATION, INSTANCE } from '../kube/akri.ts';
import { EVENT, LEASE, NAMESPACE, NODE, POD, SERVICE } from '../kube/core.ts';
import { DEVICE } from '../kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../kube/firmware-rollout.ts';
import { FLASH_JOB } from '../kube/flash-job.ts';
import type { Kind } from '../kube/object.ts';

/** Kinds that a scenario may apply, delete and wait for, with what people call them besides their own names. */
const KINDS: readonly { readonly kind: Kind; readonly aliases: readonly string[] }[] = [
  { kind: FIRMWARE_ROLLOUT, aliases: ['rollout', 'fwr'] },
  { kind: FLASH_JOB, aliases: ['job', 'fj'] },
  { kind: DEVICE, aliases: ['dev'] },
  { kind: CONFIGURATION, aliases: ['akric'] },
  { kind: INSTANCE, aliases: ['akrii'] },
  { kind: POD, aliases: ['po'] },
  { kind: SERVICE, aliases: ['svc'] },
  { kind: EVENT, aliases: ['ev'] },
  { kind: LEASE, aliases: [] },
  { kind: NODE, aliases: ['no'] },
  { kind: NAMESPACE, aliases: ['ns'] },
];

/** The kind of a manifest; undefined when the house has none. */
export function kindOfManifest(apiVersion: string, kind: string): Kind | undefined {
  return KINDS.find((entry) => entry.kind.apiVersion === apiVersion && entry.kind.kind === kind)?.kind;
}

/** The kind people mean by `rollout`, `flashjob`, `devices`, `fwr`, … */
export function kindOfName(name: string): Kind | undefined {
  const wanted = name.toLowerCase();
  return KINDS.find(
    ({ kind, aliases }) =>
      kind.kind.toLowerCase() === wanted || kind.plural === wanted || aliases.includes(wanted),
  )?.kind;
}

/** What a kind is called in a sentence. */
export function nameOfKind(kind: Kind): string {
  const alias = KINDS.find((entry) => entry.kind.kind === kind.kind)?.aliases.at(0);
  return alias !== undefined && alias.length > 3 ? alias : kind.kind.toLowerCase();
}

export const KIND_NAMES: readonly string[] = KINDS.flatMap(({ kind, aliases }) => [
  kind.kind.toLowerCase(),
  ...aliases.filter((alias) => alias.length > 3),
]);

export const MANIFEST_KINDS: readonly string[] = KINDS.map(({ kind }) => `${kind.apiVersion} ${kind.kind}`);
