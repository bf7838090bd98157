import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

// `--cluster kubeconfig` against a real kube-apiserver: the operator, the agents and the stand-ins as they are.

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-borrowed-'));
let server: KubeApiserver;
let admin = '';

beforeAll(async () => {
  server = await startKubeApiserver({ users: [{ name: 'guest' }] });
  admin = server.kubeconfig();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the program; `said` settles when standard error or output has that. */
function start(...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  const waiting: (() => void)[] = [];
  child.stdout?.on('data', (chunk) => {
    out += chunk;
    for (const look of waiting) look();
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
    for (const look of waiting) look();
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(err) ?? pattern.exec(out);
        if (match !== null) resolve(match);
      };
      waiting.push(look);
      look();
      child.once('close', () => reject(new Error(`it ended without saying ${pattern}: ${err}${out}`)));
    });
  return { child, ended, said };
}

const brickproof = (...args: readonly string[]): Promise<Ended> => start(...args).ended;

async function kubectl(...args: readonly string[]): Promise<string> {
  const all = ['--kubeconfig', admin, '--cache-dir', join(folder, 'cache'), ...args];
  const { stdout } = await promisify(execFile)('kubectl', all);
  return stdout.trim();
}

const story = (...more: readonly string[]): string[] => [
  ...['run', 'scenarios/live-smoke', '--on', 'live', '--speed', '30x', '--no-report', ...more],
];

test('a story is told in a real cluster, others can look on, and nothing of it is left', async () => {
  const { ended, said } = start(...story('--json', '--cluster', `kubeconfig=${admin}`));
  const [, run = ''] = await said(/lives in namespace (\S+) of real, on a node of the same name/);
  const [, kubeconfig = ''] = await said(/--kubeconfig (\S+) get/);
  const look = ['--kubeconfig', kubeconfig, '-n', run];
  const { stdout } = await promisify(execFile)('kubectl', [
    ...[...look, 'wait', '--for=jsonpath={.status.phase}=Running', 'pod', '--all', '--timeout=60s'],
  ]).catch(() => ({ stdout: '' }));
  expect(await kubectl('get', 'node', run, '-o', 'jsonpath={.spec.taints[?(@.value)].value}')).toBe(run);
  expect(stdout).not.toContain('error');
  const { code, out, err } = await ended;
  expect(err).toContain('plays a kubelet, a scheduler, a garbage collector');
  expect(JSON.parse(out)).toMatchObject({ outcome: 'passed', exitCode: 0, world: 'live', boards: 20 });
  expect(code).toBe(0);
  expect(await kubectl('get', 'ns,nodes', '-l', 'brickproof.dev/run', '-o', 'name')).toBe('');
  expect(await kubectl('get', 'leases', '-n', 'kube-node-lease', '-o', 'name')).toBe('');
  expect(await kubectl('get', 'devices,flashjobs,fwr,pods', '-A', '-o', 'name')).toBe('');
});

describe('a cluster that cannot be had is refused in one line, and nothing is touched', () => {
  const config = (change: (text: string) => string): string => {
    const path = join(mkdtempSync(join(folder, 'config-')), 'kubeconfig');
    writeFileSync(path, change(readFileSync(admin, 'utf8')));
    return path;
  };
  const cases: readonly (readonly [string, () => readonly string[], number, RegExp])[] = [
    ['no such file', () => ['kubeconfig=/no/such'], 64, /there is no kubeconfig \/no\/such\n$/],
    ['no YAML', () => [`kubeconfig=${config(() => 'a: [b')}`], 64, /is no kubeconfig: /],
    [
      'no such context',
      () => [`kubeconfig=${admin}`, '--context', 'other'],
      64,
      /has no context other; it has real\n$/,
    ],
    [
      'a server elsewhere that nobody named',
      () => [`kubeconfig=${config((text) => text.replace(/127\.0\.0\.1:\d+/, '192.0.2.1:6443'))}`],
      64,
      /is not on this machine, .* if you mean it, add --context real\n$/,
    ],
    [
      'nobody there',
      () => [`kubeconfig=${config((text) => text.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9'))}`],
      69,
      /context real: the API server did not answer: /,
    ],
    [
      'another authority',
      () => [`kubeconfig=${config((text) => text.replace('"certificate-authority"', '"tls-server-name"'))}`],
      69,
      /certificate is not to be trusted \(.*\); look at certificate-authority/,
    ],
    [
      'an expired token',
      () => [`kubeconfig=${config((text) => text.replace(/"token":"\w+"/, '"token":"expired"'))}`],
      69,
      /does not know the credentials of user admin .* log in again\n$/,
    ],
    [
      'a user who may do nothing',
      () => [`kubeconfig=${server.kubeconfig('guest')}`],
      69,
      /user guest of context real may not do .*; get, create, delete nodes; .*patch pods\/status;/,
    ],
    [
      'a program for credentials that is not there',
      () => [
        `kubeconfig=${config((text) =>
          text.replace(
            /"token":"\w+"/,
            '"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"no-such-program","interactiveMode":"Never"}',
          ),
        )}`,
      ],
      69,
      /the program that the kubeconfig has for credentials cannot be run: spawn no-such-program ENOENT\n$/,
    ],
    ['a word that means nothing', () => ['minikube'], 64, /--cluster minikube: write embedded, kubeconfig, /],
  ];
  test.for(cases)('%s', async ([, args, exitCode, message]) => {
    const { code, out, err } = await brickproof(...story('--cluster', ...args()));
    expect(err).toMatch(message);
    expect(err.split('\n').filter((line) => line.startsWith('brickproof: '))).toHaveLength(1);
    expect({ code, out }).toEqual({ code: exitCode, out: '' });
    expect(await kubectl('get', 'ns,nodes', '-l', 'brickproof.dev/run', '-o', 'name')).toBe('');
  });

  test('a cluster with an operator of its own', async () => {
    const lease = {
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
      metadata: { name: 'brickproof-operator', namespace: 'default' },
      spec: { holderIdentity: 'operator-1', renewTime: new Date().toISOString().replace('Z', '000Z') },
    };
    writeFileSync(join(folder, 'lease.yaml'), JSON.stringify(lease));
    await kubectl('apply', '-f', join(folder, 'lease.yaml'));
    const { code, err } = await brickproof(...story('--cluster', `kubeconfig=${admin}`));
    await kubectl('delete', '-f', join(folder, 'lease.yaml'));
    expect(err).toMatch(/operator-1 holds Lease default\/brickproof-operator/);
    expect(code).toBe(69);
  });

  test('a cluster with definitions of another release', async () => {
    const patch =
      '[{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ueid"}]';
    const restore = JSON.parse(await kubectl('get', 'crd', 'devices.fleet.brickproof.dev', '-o', 'json'));
    await kubectl('patch', 'crd', 'devices.fleet.brickproof.dev', '--type=json', '-p', patch);
    const { code, err } = await brickproof(...story('--cluster', `kubeconfig=${admin}`));
    writeFileSync(
      join(folder, 'crd.json'),
      JSON.stringify({ ...restore, metadata: { name: restore.metadata.name } }),
    );
    await kubectl('apply', '--server-side', '--force-conflicts', '-f', join(folder, 'crd.json'));
    expect(err).toMatch(/another release of brickproof: it differs at spec\.versions\.0\.schema\..*ueid/);
    expect(code).toBe(69);
  });
});

test('a fault that needs the inside of an API server is skipped there, and says why', async () => {
  const scenario = readFileSync('scenarios/live-smoke/scenario.yaml', 'utf8')
    .replace('boards: 20', 'boards: 2')
    .replace('  - apply: rollout.yaml', '  - inject: { fault: api-conflict, for: 1m }')
    .replace(/ {2}- wait: [\s\S]*?\n\n/, '\n')
    .replace(/ {2}sometimes: .*\n/, '');
  writeFileSync(join(folder, 'scenario.yaml'), scenario);
  writeFileSync(join(folder, 'akri-thermo.yaml'), readFileSync('scenarios/live-smoke/akri-thermo.yaml'));
  const told = ['run', folder, '--on', 'live', '--speed', '60x', '--no-report', '--json'];
  const { out } = await brickproof(...told, '--cluster', `kubeconfig=${admin}`);
  const { steps } = JSON.parse(out) as { steps: { verb: string; status: string; why: string }[] };
  expect(steps.find(({ verb }) => verb === 'inject')).toMatchObject({
    status: 'skipped',
    why: expect.stringMatching(/api-conflict needs .*API server/),
  });
});

test('what a killed run leaves is named by the next one, and swept away when asked', async () => {
  const { child, said, ended } = start(...story('--cluster', `kubeconfig=${admin}`));
  const [, run = ''] = await said(/lives in namespace (\S+) of/);
  await said(/wave 1 \(10%\) begins/);
  child.kill('SIGKILL');
  await ended;
  const sweep = ['cluster', '--sweep', '--cluster', `kubeconfig=${admin}`];
  // Its node is still believed to be alive.
  expect(await brickproof(...sweep)).toMatchObject({ code: 0, out: 'nothing was left\n' });
  const silence = '{"spec":{"renewTime":"2020-01-01T00:00:00.000000Z"}}';
  await kubectl('patch', 'lease', run, '-n', 'kube-node-lease', '--type=merge', '-p', silence);
  const next = start('cluster', '--cluster', `kubeconfig=${admin}`);
  await next.said(/ready: /);
  next.child.kill('SIGTERM');
  const { err } = await next.ended;
  expect(err).toContain(`left by a run that was cut short: namespace and node ${run}`);
  expect(await brickproof(...sweep)).toMatchObject({ code: 0, out: `removed ${run}\n` });
  expect(await kubectl('get', 'ns,nodes', '-l', 'brickproof.dev/run', '-o', 'name')).toBe('');
});
