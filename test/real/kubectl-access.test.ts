import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

// kubectl against `brickproof cluster --rbac`: who somebody is and what they may do, in kubectl's own words.

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-kubectl-'));
let cluster: ChildProcess;
let kubeconfig = '';

beforeAll(async () => {
  const args = ['cluster', '--rbac', '--user', 'alice=gardeners,cooks'];
  const child = spawn(process.execPath, [join(ROOT, 'src', 'cli', 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  cluster = child;
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (bytes) => resolve(`${bytes}`)),
  );
  kubeconfig = /, kubeconfig (\S+)\n$/.exec(line)?.[1] ?? '';
});
afterAll(() => {
  cluster.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Said {
  readonly out: string;
  readonly error: string;
  readonly code: number;
}

async function kubectl(...args: readonly string[]): Promise<Said> {
  const all = [...args, '--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache')];
  const env = { ...process.env, HOME: folder };
  try {
    const { stdout, stderr } = await promisify(execFile)('kubectl', all, { env });
    return { out: stdout, error: stderr, code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { out: stdout, error: stderr, code };
  }
}
const ACCOUNT = 'system:serviceaccount:brickproof:brickproof-operator';

test('whoami: the administrator by a certificate, alice by a token, and whoever an administrator is', async () => {
  const { out } = await kubectl('auth', 'whoami');
  expect(out).toMatch(/Username +kubernetes-admin/);
  expect(out).toMatch(/Groups +\[system:masters system:authenticated\]/);
  expect(out).toMatch(/credential-id +\[X509SHA256=[0-9a-f]{64}\]/);
  const alice = await kubectl('auth', 'whoami', '--context', 'alice');
  expect(alice.out).toMatch(/Username +alice\nGroups +\[gardeners cooks system:authenticated\]/);
  const carol = await kubectl('auth', 'whoami', '--as', 'carol', '--as-group', 'cooks');
  expect(carol.out).toMatch(/Username +carol\nGroups +\[cooks system:authenticated\]/);
  const refused = await kubectl('get', 'pods', '--context', 'alice', '--as', 'carol');
  expect(refused.error).toContain('Error from server (Forbidden)');
});

test('can-i: yes and no by exit code, and everything as a list', async () => {
  expect(await kubectl('auth', 'can-i', 'delete', 'nodes')).toMatchObject({ out: 'yes\n', code: 0 });
  expect(await kubectl('auth', 'can-i', 'get', 'pods', '--context', 'alice')).toMatchObject({
    ...{ out: 'no\n', code: 1 },
  });
  expect((await kubectl('auth', 'can-i', 'get', '/version', '--as', 'anybody')).out).toBe('yes\n');
  const { out } = await kubectl('auth', 'can-i', '--list', '--as', ACCOUNT);
  expect(out).toMatch(/^devices\.fleet\.brickproof\.dev +\[\] +\[\] +\[list watch create patch\]$/m);
  expect(out).toMatch(/^devices\.fleet\.brickproof\.dev\/status +\[\] +\[\] +\[patch\]$/m);
  expect(out).not.toContain('leases');
  const own = await kubectl('auth', 'can-i', '--list', '--as', ACCOUNT, '-n', 'brickproof');
  expect(own.out).toMatch(/^leases\.coordination\.k8s\.io +\[\] +\[\] +\[get create update\]$/m);
});

test('create token: an account has a token that kubectl can come with, and is held to its rights', async () => {
  await kubectl('create', 'serviceaccount', 'bot');
  const { out } = await kubectl('create', 'token', 'bot', '--duration', '20m');
  const token = out.trim();
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(claims.exp - claims.iat).toBe(1200);
  await kubectl('config', 'set-credentials', 'bot', '--token', token);
  await kubectl('config', 'set-context', 'bot', '--cluster', 'brickproof', '--user', 'bot');
  const as = ['--context', 'bot'];
  const who = await kubectl('auth', 'whoami', ...as);
  expect(who.out).toMatch(/Username +system:serviceaccount:default:bot/);
  expect((await kubectl('get', 'pods', ...as)).error).toBe(
    'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:bot" cannot list resource "pods" in API group "" in the namespace "default"\n',
  );
  await kubectl('create', 'rolebinding', 'bot', '--clusterrole', 'view', '--serviceaccount', 'default:bot');
  expect(await kubectl('get', 'pods', ...as)).toMatchObject({ code: 0 });
  await kubectl('delete', 'serviceaccount', 'bot');
  expect((await kubectl('get', 'pods', ...as)).error).toMatch(/Unauthorized|must be logged in/);
  expect((await kubectl('create', 'token', 'nobody')).error).toContain('serviceaccounts "nobody" not found');
});

test('roles are made, described and bound, but not by who has less', async () => {
  await kubectl('create', 'role', 'maker', '--verb=create,get', '--resource=roles,rolebindings,pods');
  await kubectl('create', 'rolebinding', 'maker', '--role=maker', '--group=cooks');
  expect((await kubectl('describe', 'role', 'maker')).out).toMatch(/^ +pods +\[\] +\[\] +\[create get\]$/m);
  const alice = (...args: readonly string[]): Promise<Said> => kubectl(...args, '--context', 'alice');
  expect((await alice('create', 'role', 'less', '--verb=get', '--resource=pods')).code).toBe(0);
  expect((await alice('create', 'role', 'more', '--verb=list', '--resource=pods')).error).toContain(
    'is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
  );
  expect((await alice('create', 'rolebinding', 'x', '--clusterrole=view', '--user=eve')).code).toBe(1);
  const moved = ['patch', 'rolebinding', 'maker', '--type=merge', '-p', '{"roleRef":{"name":"other"}}'];
  expect((await kubectl(...moved)).error).toContain('cannot change roleRef');
  const wide = await kubectl('get', 'clusterrolebindings', '-o', 'wide');
  expect(wide.out).toMatch(
    /brickproof-operator +ClusterRole\/brickproof-operator .* brickproof\/brickproof-operator/,
  );
});

test('the access that the operator comes with can be applied, and is what is there', async () => {
  const deploy = join(ROOT, 'operator', 'deploy');
  for (const file of ['operator-access.yaml', 'agent-access.yaml']) {
    const { out, code } = await kubectl('auth', 'reconcile', '-f', join(deploy, file));
    expect(code).toBe(0);
    expect(out).toMatch(/reconciled$/m);
    expect(out).not.toMatch(/missing rules/);
  }
});
