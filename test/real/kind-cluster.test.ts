import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

// `--cluster kind` with programs called kind and docker that write down what they are told; the kubeconfig they
// hand out is of a real kube-apiserver. What is tested is whom we call, when, and what we leave behind.

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-kind-'));
const bin = mkdtempSync(join(folder, 'bin-'));
const log = join(folder, 'log');
const present = join(folder, 'clusters');
let server: KubeApiserver;

beforeAll(async () => {
  server = await startKubeApiserver();
  const config = readFileSync(server.kubeconfig(), 'utf8').replaceAll('"real"', '"kind-brickproof"');
  writeFileSync(join(folder, 'kubeconfig'), config);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  writeFileSync(log, '');
  writeFileSync(present, 'other\n');
  program('docker', 'echo 28.0.0');
  program(
    'kind',
    `case "$1 $2" in
  'get clusters') printf '%s' "$(<'${present}')" ;;
  'get kubeconfig') printf '%s' "$(<'${join(folder, 'kubeconfig')}')" ;;
esac`,
  );
});

function program(name: string, body: string): void {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/bash\necho "${name} $*" >> '${log}'\n${body}\n`);
  chmodSync(path, 0o755);
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Ends the command as soon as it is ready. */
function cluster(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'cluster', '--cluster', ...args], {
    env: { ...process.env, PATH: bin },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (out.includes('ready: ')) child.kill('SIGTERM');
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

/** What the two programs were told, without the paths of files. */
const calls = (): string[] =>
  readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replace(/ \/\S+/, ' FILE'));

test('a cluster that is not there is made, used, and taken away', async () => {
  const { code, out, err } = await cluster('kind');
  expect(err).toContain('makes a kind cluster brickproof; it goes when this ends');
  expect(err).toMatch(/lives in namespace brickproof-run-\w+ of kind-brickproof/);
  expect(out).toMatch(/^ready: cluster at https:\/\/127\.0\.0\.1:\d+, kubeconfig \S+\n$/);
  expect(code).toBe(0);
  expect(calls()).toEqual([
    'docker info --format {{.ServerVersion}}',
    'kind get clusters',
    'kind create cluster --name brickproof --kubeconfig FILE --wait 180s',
    'kind get kubeconfig --name brickproof',
    'kind delete cluster --name brickproof --kubeconfig FILE',
  ]);
  expect(existsSync(/kubeconfig (\S+)\n/.exec(out)?.[1] ?? '/')).toBe(false);
});

test('a cluster that is there is used and left', async () => {
  writeFileSync(present, 'other\nbrickproof\n');
  const { code, err } = await cluster('kind=brickproof');
  expect(err).toContain('uses the kind cluster brickproof that is there, and leaves it');
  expect(code).toBe(0);
  expect(calls()).toEqual([
    'docker info --format {{.ServerVersion}}',
    'kind get clusters',
    'kind get kubeconfig --name brickproof',
  ]);
});

test('a story is told in it', async () => {
  const args = ['run', 'scenarios/live-smoke', '--on', 'live', '--speed', '30x', '--no-report', '--json'];
  const child = spawn(process.execPath, [MAIN, ...args, '--cluster', 'kind'], {
    env: { ...process.env, PATH: bin },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ outcome: 'passed', boards: 20 });
  expect(calls().at(-1)).toBe('kind delete cluster --name brickproof --kubeconfig FILE');
});

test('no Docker, a silent one, no kind, and a kind that fails are each one line and exit code 69', async () => {
  const complaint = async (): Promise<string> => {
    const { code, out, err } = await cluster('kind');
    expect({ code, out }).toEqual({ code: 69, out: '' });
    return err.split('\n').filter((line) => line.startsWith('brickproof: '))[0] ?? err;
  };
  program('kind', 'echo "ERROR: failed to create cluster: no room" >&2; [ "$1" = get ]');
  expect(await complaint()).toBe(
    'brickproof: kind create cluster failed: ERROR: failed to create cluster: no room',
  );
  expect(calls().at(-1)).toBe('kind delete cluster --name brickproof --kubeconfig FILE');
  rmSync(join(bin, 'kind'));
  expect(await complaint()).toMatch(/there is no program kind here; see https:\/\/kind\.sigs\.k8s\.io/);
  program('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
  expect(await complaint()).toMatch(
    /daemon does not answer: Cannot connect to the Docker daemon \(--cluster /,
  );
  rmSync(join(bin, 'docker'));
  expect(await complaint()).toMatch(/there is no program docker here; see https:\/\/docs\.docker\.com/);
});
