import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type LiveBroker, startBroker } from '../../sim/live/broker.ts';
import { CONFIGURATION_CRD, INSTANCE_CRD } from '../../src/kube/akri.ts';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

// operator/deploy on a real kube-apiserver with RBAC, and the operator's own program under its own account.

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-deploy-'));
let server: KubeApiserver;
let broker: LiveBroker;
let operator: ChildProcess | undefined;

beforeAll(async () => {
  server = await startKubeApiserver();
  broker = await startBroker();
});
afterAll(async () => {
  operator?.kill('SIGKILL');
  await broker.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function kubectl(...args: readonly string[]): Promise<string> {
  const all = ['--kubeconfig', server.kubeconfig(), '--cache-dir', join(folder, 'cache'), ...args];
  const { stdout } = await promisify(execFile)('kubectl', all, { cwd: ROOT });
  return stdout.trim();
}

test('the manifests are taken as they are, first on trial and then for good', async () => {
  expect((await kubectl('apply', '-f', 'operator/crds', '--dry-run=server')).split('\n')).toHaveLength(3);
  await kubectl('apply', '-f', 'operator/crds');
  // On trial nothing is made, so the namespace that the others live in must be there.
  await kubectl('create', 'namespace', 'brickproof');
  const tried = await kubectl('apply', '-f', 'operator/deploy', '--dry-run=server');
  expect(tried).toContain('deployment.apps/brickproof-operator created (server dry run)');
  expect(tried.split('\n').filter((line) => !/ (created|configured) \(server dry run\)$/.test(line))).toEqual(
    [],
  );
  expect(await kubectl('apply', '-f', 'operator/deploy')).toContain(
    'deployment.apps/brickproof-operator created',
  );
});

test("the operator's program leads, judges and leaves with no more rights than its account has", async () => {
  writeFileSync(
    join(folder, 'akri.yaml'),
    [CONFIGURATION_CRD, INSTANCE_CRD].map((crd) => stringify(crd)).join('---\n'),
  );
  await kubectl('apply', '-f', join(folder, 'akri.yaml'));
  const token = await kubectl('create', 'token', 'brickproof-operator', '-n', 'brickproof');
  const config = JSON.parse(readFileSync(server.kubeconfig(), 'utf8'));
  const kubeconfig = join(folder, 'operator.kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: 'admin', user: { token } }] }));
  operator = spawn(process.execPath, ['operator/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ KUBECONFIG: kubeconfig, BROKER_URL: broker.url },
      ...{ POD_NAME: 'operator-under-test', POD_NAMESPACE: 'brickproof' },
    },
  });
  const ended = new Promise((resolve) => operator?.once('exit', resolve));
  const inLease = ['get', 'lease', 'brickproof-operator', '-n', 'brickproof', '-o'];
  await kubectl('apply', '-n', 'default', '-f', 'docs/kubectl-walk/flashjob.yaml');
  await kubectl('wait', '--for=condition=Failed', 'flashjob/walk', '--timeout=60s');
  expect(await kubectl(...inLease, 'jsonpath={.spec.holderIdentity}')).toBe('operator-under-test');
  expect(await kubectl('events', '--for', 'flashjob/walk', '--types=Warning')).toMatch(/FlashJob\/walk/);
  expect(await kubectl('delete', 'flashjob', 'walk', '--timeout=60s')).toContain('deleted');
  operator.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await kubectl(...inLease, 'jsonpath={.spec.holderIdentity}')).toBe('');
});
