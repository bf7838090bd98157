import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

// kubectl's words for workloads against `brickproof cluster`: rollouts, scales, Jobs and CronJobs.

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-workloads-'));
let cluster: ChildProcess;
let kubeconfig = '';

const MANIFESTS = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { kubelet.brickproof.dev/script: Running after 200ms }
    spec: { containers: [{ name: main, image: "web:1" }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: discovery }
spec:
  selector: { matchLabels: { app: discovery } }
  template:
    metadata:
      labels: { app: discovery }
      annotations: { kubelet.brickproof.dev/script: Running after 200ms }
    spec: { containers: [{ name: main, image: "discovery:1" }] }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  jobTemplate:
    spec:
      template:
        metadata:
          annotations: { kubelet.brickproof.dev/script: "Running after 100ms, Succeeded after 300ms" }
        spec: { restartPolicy: Never, containers: [{ name: main, image: "report:1" }] }
`;

beforeAll(async () => {
  const child = spawn(process.execPath, [MAIN, 'cluster'], { stdio: ['ignore', 'pipe', 'ignore'] });
  cluster = child;
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (bytes) => resolve(`${bytes}`)),
  );
  kubeconfig = /, kubeconfig (\S+)\n$/.exec(line)?.[1] ?? '';
  writeFileSync(join(folder, 'workloads.yaml'), MANIFESTS);
  await kubectl('apply', '-f', join(folder, 'workloads.yaml'));
});
afterAll(() => {
  cluster.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Rejects with kubectl's error output when it fails. */
async function kubectl(...args: readonly string[]): Promise<string> {
  const all = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args];
  const { stdout } = await promisify(execFile)('kubectl', all, { env: { ...process.env, HOME: folder } });
  return stdout;
}
const image = (): Promise<string> =>
  kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}');

test('a Deployment and a DaemonSet roll out, and applying them again changes nothing', async () => {
  expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')).toContain(
    'deployment "web" successfully rolled out',
  );
  expect(await kubectl('rollout', 'status', 'daemonset/discovery', '--timeout=30s')).toContain(
    'daemon set "discovery" successfully rolled out',
  );
  expect(await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=10s')).toMatch(
    /met$/m,
  );
  const again = await kubectl('apply', '-f', join(folder, 'workloads.yaml'));
  expect(again.match(/ unchanged$/gm)).toHaveLength(3);
});

test('scale sets the number, get shows it in columns, and all shows everything', async () => {
  expect(await kubectl('scale', 'deployment/web', '--replicas=3')).toContain('deployment.apps/web scaled');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=3', 'deployment/web', '--timeout=30s');
  const [head = '', row = ''] = (await kubectl('get', 'deploy', 'web')).split('\n');
  expect(head.split(/ {2,}/)).toEqual(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE']);
  expect(row).toMatch(/^web +3\/3 +3 +3 +/);
  await expect(kubectl('scale', 'deployment/web', '--replicas=1', '--current-replicas=7')).rejects.toThrow(
    /Expected replicas to be 7, was 3/,
  );
  const all = await kubectl('get', 'all', '-o', 'name');
  for (const name of [
    'deployment.apps/web',
    'replicaset.apps/web-',
    'daemonset.apps/discovery',
    'cronjob.batch/nightly',
    'pod/web-',
  ])
    expect(all).toContain(name);
});

test('set image, history, undo and restart are new revisions that roll out', async () => {
  await kubectl('set', 'image', 'deployment/web', 'main=web:2');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  const history = await kubectl('rollout', 'history', 'deployment/web');
  expect(history).toMatch(/^1 +<none>$/m);
  expect(history).toMatch(/^2 +<none>$/m);
  expect(await kubectl('rollout', 'history', 'deployment/web', '--revision=1')).toContain('web:1');
  expect(await kubectl('rollout', 'undo', 'deployment/web')).toContain('rolled back');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  expect(await image()).toBe('web:1');
  await kubectl('rollout', 'restart', 'deployment/web', 'daemonset/discovery');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=30s');
  await kubectl('rollout', 'status', 'daemonset/discovery', '--timeout=30s');
  expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/^4 +/m);
  await kubectl('rollout', 'undo', 'daemonset/discovery', '--to-revision=1');
  await kubectl('rollout', 'status', 'daemonset/discovery', '--timeout=30s');
});

test('a Job made from a CronJob runs to its end, and is described', async () => {
  expect(await kubectl('create', 'job', 'now', '--from=cronjob/nightly')).toContain('job.batch/now created');
  expect(await kubectl('wait', '--for=condition=Complete', 'job/now', '--timeout=30s')).toMatch(/met$/m);
  const [head = '', row = ''] = (await kubectl('get', 'jobs')).split('\n');
  expect(head.split(/ {2,}/)).toEqual(['NAME', 'STATUS', 'COMPLETIONS', 'DURATION', 'AGE']);
  expect(row).toMatch(/^now +Complete +1\/1 +\d+s +/);
  expect(await kubectl('describe', 'job', 'now')).toMatch(
    /Pods Statuses: +0 Active.* \/ 1 Succeeded \/ 0 Failed/,
  );
  expect(await kubectl('get', 'cronjob', 'nightly')).toMatch(
    /^nightly +0 3 \* \* \* +Europe\/Berlin +False +0 +<none>/m,
  );
  expect(await kubectl('describe', 'deployment', 'web')).toContain('NewReplicaSetAvailable');
});

test('what is immutable is refused in the words of a real server', async () => {
  const patch = '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}';
  await expect(kubectl('patch', 'deployment', 'web', '-p', patch)).rejects.toThrow(/field is immutable/);
  await expect(kubectl('create', 'cronjob', 'bad', '--image=x:1', '--schedule=often')).rejects.toThrow(
    /expected exactly 5 fields, found 1: \[often\]/,
  );
});

test('delete takes everything along, one by one or all at once', async () => {
  await kubectl('delete', 'job', 'now', '--wait');
  expect(await kubectl('get', 'pods', '-l', 'job-name=now', '-o', 'name')).toBe('');
  expect(await kubectl('delete', 'deployments,daemonsets,cronjobs', '--all')).toMatch(/"web" deleted/);
  await kubectl('wait', '--for=delete', 'pods', '--all', '--timeout=30s');
  expect(await kubectl('get', 'all', '-o', 'name')).toBe('');
});
