import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { definitionFiles } from '../../operator/crds/definitions.ts';
import { DEVICE } from '../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../src/kube/flash-job.ts';

const crds = new URL('../../operator/crds/', import.meta.url);
const deploy = new URL('../../operator/deploy/', import.meta.url);
const namesIn = (folder: URL): string[] => readdirSync(folder).filter((name) => name.endsWith('.yaml'));

test('the checked-in definitions are what src/kube says', () => {
  const files = definitionFiles();
  expect(namesIn(crds).sort()).toEqual([...files.keys()].sort());
  for (const [name, content] of files) expect(readFileSync(new URL(name, crds), 'utf8')).toBe(content);
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const roles = namesIn(deploy)
  .flatMap((name) => parseAllDocuments(readFileSync(new URL(name, deploy), 'utf8')))
  .map((document) => document.toJS() as { kind: string; metadata: { name: string }; rules?: readonly Rule[] })
  .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');

test('no role asks for everything of anything', () => {
  for (const { rules = [] } of roles)
    for (const rule of rules) expect(`${rule.apiGroups} ${rule.resources} ${rule.verbs}`).not.toContain('*');
});

test('the roles name only resources that exist, by their plural', () => {
  const ours = [DEVICE, FIRMWARE_ROLLOUT, FLASH_JOB].map(({ plural }) => plural);
  const named = roles
    .flatMap(({ rules = [] }) => rules)
    .filter(({ apiGroups }) => apiGroups.some((group) => /brickproof|nbfc/.test(group)))
    .flatMap(({ resources }) => resources.map((resource) => resource.split('/')[0] ?? ''));
  expect([...new Set(named)].filter((name) => !ours.includes(name))).toEqual([]);
});
