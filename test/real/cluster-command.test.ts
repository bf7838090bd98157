import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

// kubectl against `brickproof cluster --operator`, as a stranger would use the two.

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-kubectl-'));
/** The manifest that existing users have; nobody has these ids here. */
const MANIFEST = `apiVersion: application.flashjob.nbfc.io/v1alpha1
kind: FlashJob
metadata: { name: flashjob, namespace: default }
spec:
  uuid: [ d95c7c2d-7dc5-427b-9bf7-51a5d299c99e, 44606d10-7c29-4098-9d6a-dc16f95090d1 ]
  device: esp32
  hostEndpoint:
  firmware: registry.local/nubificus/esp32:2.0.0
  version: 0.2.0
  applicationType: thermo
  externalIP:
  flashjobPodImage: registry.local/nubificus/iot/esp32-flashjob:local
`;
let cluster: ChildProcess;
let kubeconfig = '';

beforeAll(async () => {
  const child = spawn(process.execPath, [MAIN, 'cluster', '--operator'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  cluster = child;
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (bytes) => resolve(`${bytes}`)),
  );
  kubeconfig = /, kubeconfig (\S+)\n$/.exec(line)?.[1] ?? '';
  writeFileSync(join(folder, 'job.yaml'), MANIFEST);
});
afterAll(() => {
  cluster.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function kubectl(...args: readonly string[]): Promise<string> {
  const all = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args];
  const { stdout } = await promisify(execFile)('kubectl', all, { env: { ...process.env, HOME: folder } });
  return stdout;
}

test('our kinds are there, and the node is ready', async () => {
  const crds = await kubectl('get', 'crds', '-o', 'name');
  expect(crds.trim().split('\n')).toHaveLength(5);
  expect(await kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=10s')).toMatch(/met$/m);
});

test('the manifest is applied, seen in columns, waited for by condition, and deleted past its finalizer', async () => {
  expect(await kubectl('apply', '-f', join(folder, 'job.yaml'))).toMatch(/flashjob created$/m);
  expect(await kubectl('wait', '--for=condition=Failed', 'flashjob/flashjob', '--timeout=60s')).toMatch(
    /met$/m,
  );
  const [head = '', row = ''] = (await kubectl('get', 'flashjobs')).split('\n');
  expect(head).toMatch(/^NAME .*AGE$/);
  expect(row).toMatch(/^flashjob +.*Failed/);
  expect(await kubectl('get', 'flashjob', 'flashjob', '-o', 'jsonpath={.metadata.finalizers}')).toContain(
    '/',
  );
  expect(await kubectl('get', 'events', '--field-selector', 'involvedObject.name=flashjob')).toContain(
    'Failed',
  );
  expect(await kubectl('delete', 'flashjob', 'flashjob', '--timeout=60s')).toContain('deleted');
  expect(await kubectl('get', 'flashjobs', '-o', 'name')).toBe('');
});

test('who owned a field before is named in a conflict, and a new namespace has its default account', async () => {
  await kubectl('create', 'namespace', 'shed');
  await kubectl('wait', '--for=create', 'serviceaccount/default', '-n', 'shed', '--timeout=10s');
  const settings = (size: number) => {
    const file = join(folder, 'settings.json');
    const metadata = { name: 'settings', namespace: 'shed' };
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { size: `${size}` } }),
    );
    return file;
  };
  await kubectl('create', '-f', settings(1));
  await expect(kubectl('apply', '--server-side', '-f', settings(2))).rejects.toThrow(
    /conflict with "kubectl-create" using v1: \.data\.size/,
  );
  await kubectl('apply', '--server-side', '--force-conflicts', '-f', settings(2));
  await kubectl('delete', 'namespace', 'shed', '--timeout=20s');
});

test('it ends with exit code 0 when it is told to', async () => {
  const ended = new Promise((resolve) => cluster.once('exit', resolve));
  cluster.kill('SIGTERM');
  expect(await ended).toBe(0);
});
