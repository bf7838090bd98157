import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { main } from '../../src/cli/main.ts';
import { POD } from '../../src/kube/core.ts';
import { FLASH_JOB, type FlashJob } from '../../src/kube/flash-job.ts';
import { ScriptedConsole } from './scripted-console.ts';

/** A console whose reader is told of each line of standard output. */
class WatchedConsole extends ScriptedConsole {
  readonly firstLine: Promise<string>;
  #tell: (line: string) => void = () => {};

  constructor(interrupted: AbortSignal) {
    super({ interrupted });
    this.firstLine = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  override readonly out = (text: string): void => {
    this.stdout += text;
    this.#tell(text);
  };
}

async function served(...flags: readonly string[]) {
  const controller = new AbortController();
  const console = new WatchedConsole(controller.signal);
  const exitCode = main(['cluster', ...flags], console);
  const line = await console.firstLine;
  const [, url = ''] = /^ready: cluster at (http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? [];
  const [, kubeconfig = ''] = /, kubeconfig (\S+)\n$/.exec(line) ?? [];
  const end = (): Promise<number> => {
    controller.abort();
    return exitCode;
  };
  return { line, console, kubeconfig, kube: ClientNodeKubeApi.connect({ url }), end };
}

const JOB = {
  apiVersion: FLASH_JOB.apiVersion,
  kind: FLASH_JOB.kind,
  metadata: { namespace: 'default', name: 'flashjob' },
  spec: { uuid: ['d95c7c2d-7dc5-427b-9bf7-51a5d299c99e'], firmware: 'registry.local/x:1', version: '1' },
};
const KEY = { namespace: 'default', name: 'flashjob' };

test('says on one line where it is, answers, and leaves nothing behind when it is interrupted', async () => {
  const { line, console, kubeconfig, kube, end } = await served();
  expect(line).toMatch(/^ready: cluster at http:\/\/127\.0\.0\.1:\d+, kubeconfig \/\S+\/kubeconfig\n$/);
  expect(console.stderr).toContain(`kubectl --kubeconfig ${kubeconfig} get crds`);
  expect(readFileSync(kubeconfig, 'utf8')).toContain('current-context: brickproof');
  const created = await kube.create(FLASH_JOB, JOB);
  expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  await kube.delete(FLASH_JOB, KEY);
  expect(await end()).toBe(0);
  expect(console.stdout).toBe(line);
  expect(existsSync(kubeconfig)).toBe(false);
  await expect(kube.list(POD)).rejects.toThrow();
});

test('with the operator a job gets its finalizer, its verdict, and is let go', async () => {
  const { line, kube, end } = await served('--operator');
  expect(line).toMatch(/, broker at mqtt:\/\/127\.0\.0\.1:\d+, registry at 127\.0\.0\.1:\d+, kubeconfig /);
  const signal = AbortSignal.timeout(30_000);
  const { resourceVersion } = await kube.list(FLASH_JOB);
  await kube.create(FLASH_JOB, JOB);
  let judged: FlashJob | undefined;
  let isGone = false;
  for await (const event of kube.watch(FLASH_JOB, { resourceVersion, signal })) {
    isGone = event.type === 'DELETED';
    if (isGone) break;
    if (event.type !== 'MODIFIED' || event.object.status?.phase !== 'Failed' || judged !== undefined)
      continue;
    judged = event.object;
    await kube.delete(FLASH_JOB, KEY);
  }
  expect(judged?.metadata.finalizers).toHaveLength(1);
  expect(judged?.status?.counts).toEqual({ pending: 0, 'unknown-device': 1 });
  expect(isGone).toBe(true);
  expect(await end()).toBe(0);
});

test.each([
  ['1', '28', 69, /is Kubernetes v1\.28\.3; brickproof needs 1\.29 or newer/],
  ['0', '99', 69, /is Kubernetes v0\.99\.3; brickproof needs 1\.29 or newer/],
  ['1', '29+', 69, /context old: no\n$/],
])('a server of version %s.%s, over plain HTTP, ends with %i', async (major, minor, code, words) => {
  const asked: string[] = [];
  const server = createHttpServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    const version = { major, minor, gitVersion: `v${major}.${Number.parseInt(minor, 10)}.3` };
    const nothing = { kind: 'Status', status: 'Failure', code: 404, reason: 'NotFound', message: 'no' };
    response.writeHead(url === '/version/' || url === '/version' ? 200 : 404, {
      'Content-Type': 'application/json',
    });
    response.end(JSON.stringify(url?.startsWith('/version') ? version : nothing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-old-'));
  const file = join(folder, 'kubeconfig');
  writeFileSync(
    file,
    JSON.stringify({
      'current-context': 'old',
      clusters: [{ name: 'old', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'me', user: {} }],
      contexts: [{ name: 'old', context: { cluster: 'old', user: 'me' } }],
    }),
  );
  const console = new ScriptedConsole();
  expect(await main(['cluster', '--cluster', `kubeconfig=${file}`], console)).toBe(code);
  expect(console.stderr).toMatch(words);
  // Whatever was asked, nothing was made.
  expect(asked.filter((line) => !/^GET |^POST .*(access|review)/i.test(line))).toEqual([]);
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('somebody named twice is refused, not merged', async () => {
  const console = new ScriptedConsole();
  expect(await main(['cluster', '--user', 'eve=cooks', '--user', 'eve=gardeners'], console)).toBe(64);
  expect(console.stderr).toContain('eve is there twice');
});

test('a port that is taken is one line and exit code 69', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  const console = new ScriptedConsole();
  expect(await main(['cluster', '--port', String(port)], console)).toBe(69);
  expect(console.stderr).toBe(
    `brickproof: port ${port} is in use; choose another one, or 0 for any free port\n`,
  );
  await new Promise((resolve) => server.close(resolve));
});
