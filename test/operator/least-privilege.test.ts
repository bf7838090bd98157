import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { AGENT_ACCOUNT_NAME, OPERATOR_ACCOUNT } from '../../operator/access.ts';
import { accessFiles } from '../../operator/deploy/manifests.ts';
import { runAsLeader } from '../../operator/runtime/leader-election.ts';
import { AKRI_ACCOUNT } from '../../sim/akri/access.ts';
import type { Access } from '../../sim/cluster/auth/access.ts';
import { serviceAccountUser, type UserInfo } from '../../sim/cluster/auth/user.ts';
import { installAccounts } from '../../sim/install.ts';
import { SimWorld } from '../../sim/world.ts';
import { openScenario } from '../../src/cli/scenario-path.ts';
import { DEVICE } from '../../src/kube/device.ts';
import type { PolicyRule } from '../../src/kube/rbac.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { runScenario } from '../../src/scenario/engine/engine.ts';
import type { ScenarioFolder } from '../../src/scenario/planning/draft.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import { ClusterInTest } from '../cluster/cluster-in-test.ts';
import { folderOf } from '../scenario/story.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** `verb group/resource` of everything asked, by who asked. */
const asked = new Map<string, Set<string>>();
const refused: string[] = [];

function record(user: UserInfo, access: Access, allowed: boolean): void {
  if (access.type !== 'resource' || !user.name.startsWith('system:serviceaccount:')) return;
  const { verb, group, resource, subresource } = access;
  const what = `${verb} ${group}/${subresource === '' ? resource : `${resource}/${subresource}`}`;
  const known = asked.get(user.name) ?? new Set();
  asked.set(user.name, known.add(what));
  if (!allowed) refused.push(`${user.name}: ${what} in ${access.namespace || 'the cluster'}`);
}

/** A twin is lost, and a Service stands where a job's own should be: what the checked-in stories have none of. */
const MISFORTUNES = `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: misfortunes }
firmware:
  thermo:1.0.0: { application: thermo, size: 160KiB }
fleet:
  - { group: hut, boards: 1, chips: { esp32: 100% }, runs: thermo:1.0.0 }
steps:
  - apply:
      apiVersion: akri.sh/v0
      kind: Configuration
      metadata: { name: thermo }
      spec: { discoveryHandler: { name: brickproof, discoveryDetails: "applicationType: thermo" } }
  - expect: { devices: { attested: true }, count: 100%, within: 10m }
  - delete: device/DEVICE_NAME
  - apply: { apiVersion: v1, kind: Service, metadata: { name: job-flash }, spec: { ports: [{ port: 1 }] } }
  - apply:
      apiVersion: application.flashjob.nbfc.io/v1alpha1
      kind: FlashJob
      metadata: { name: job }
      spec: { uuid: ["DEVICE_NAME"], firmware: "registry.local/thermo:1.0.0", version: 1.0.0 }
  - { after: 10m, delete: service/job-flash }
  - wait: { for: flashjob/job, phase: Failed, within: 1h }
properties: { always: [every-board-bootable] }
`;

/** Returns the exit code. */
async function tell(folder: ScenarioFolder): Promise<number> {
  const plan = makePlan(folder);
  const world = new SimWorld(plan, { onDecision: record });
  const { exitCode } = await runScenario(plan, world, { wallClockMs: () => 0 });
  return exitCode;
}

/** Leads, renews, and gives the Lease up. */
async function elect(): Promise<void> {
  const { cluster, clock, api } = new ClusterInTest({ access: { rbac: true, onDecision: record } });
  await installAccounts(api);
  const { namespace, name } = OPERATOR_ACCOUNT;
  const ending = new AbortController();
  const ports = { kube: cluster.as(OPERATOR), clock, random: SeededRandom.ofSeed(3) };
  const lead = (signal: AbortSignal): Promise<void> =>
    new Promise((settle) => signal.addEventListener('abort', () => settle()));
  const ended = runAsLeader(ports, { namespace, name, identity: 'only' }, lead, ending.signal);
  clock.after(60_000, () => ending.abort());
  await clock.run(() => false, 120_000);
  await ended;
}

const OPERATOR = serviceAccountUser(OPERATOR_ACCOUNT.namespace, OPERATOR_ACCOUNT.name);
const AGENT = serviceAccountUser('default', AGENT_ACCOUNT_NAME);
const AKRI = serviceAccountUser(AKRI_ACCOUNT.namespace, AKRI_ACCOUNT.name);

/** What the roles of one file grant, as `verb group/resource`. */
function granted(file: string): string[] {
  return parseAllDocuments(accessFiles().get(file) ?? '')
    .map((document) => document.toJS() as { rules?: readonly PolicyRule[] })
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ verbs, apiGroups = [], resources = [] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    );
}

/** Granted though no story here asks for it, and why. */
const NEVER_ASKED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'operator-access.yaml': {
    'update fleet.brickproof.dev/firmwarerollouts/finalizers':
      'asked by the admission plugin OwnerReferencesPermissionEnforcement, not by us',
    'update application.flashjob.nbfc.io/flashjobs/finalizers':
      'asked by the admission plugin OwnerReferencesPermissionEnforcement, not by us',
  },
  'agent-access.yaml': {},
};

test('the checked-in roles are what operator/access.ts says', () => {
  for (const [name, content] of accessFiles())
    expect(readFileSync(join(ROOT, 'operator', 'deploy', name), 'utf8')).toBe(content);
});

describe('with rights enforced, and each with an account of its own', () => {
  beforeAll(async () => {
    await elect();
    for (const name of ['flashjob-legacy', 'canary-rollback'])
      expect(await tell(openScenario(join(ROOT, 'scenarios', name)))).toBe(0);
    const world = new SimWorld(makePlan(folderOf({ 'scenario.yaml': MISFORTUNES })));
    await world.start();
    const { items } = await world.kube.list(DEVICE);
    const story = MISFORTUNES.replaceAll('DEVICE_NAME', items[0]?.metadata.name ?? '');
    expect(await tell(folderOf({ 'scenario.yaml': story }))).toBe(0);
  });

  test('operator, agents and Akri ask for something, and nothing is refused', () => {
    expect([...asked.keys()].sort()).toEqual([AKRI, OPERATOR, AGENT].map(({ name }) => name).sort());
    expect(refused).toEqual([]);
  });

  test.each([
    ['operator-access.yaml', OPERATOR],
    ['agent-access.yaml', AGENT],
  ])('%s grants nothing that is not used, but for what is explained', (file, { name }) => {
    const unused = granted(file).filter((right) => asked.get(name)?.has(right) !== true);
    expect(unused.sort()).toEqual(Object.keys(NEVER_ASKED[file] ?? {}).sort());
  });
});
