import { createHash } from 'node:crypto';
import type { PodTemplate } from '../../../src/kube/workloads.ts';
import { equalJson, isMembers } from '../stored-object.ts';

export const HASH_LABEL = 'pod-template-hash';

/** No vowels and no look-alikes. Source: apimachinery, util/rand SafeEncodeString. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten characters that stand for a template; `collisions` makes others of the same one. */
export function templateHash(template: PodTemplate, collisions = 0): string {
  const digest = createHash('sha256')
    .update(`${canonical(template)}#${collisions}`)
    .digest();
  return [...digest.subarray(0, 10)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** The template as its users wrote it: without the label that tells revisions apart. */
export function bareTemplate(template: PodTemplate): PodTemplate {
  const { [HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

export function sameTemplate(left: PodTemplate, right: PodTemplate): boolean {
  return equalJson(bareTemplate(left), bareTemplate(right));
}

/** JSON whose members are in order, so that equal values give equal texts. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isMembers(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(',')}}`;
}
