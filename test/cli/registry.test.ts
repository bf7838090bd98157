import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { pushFirmware } from '../../src/oci/pack.ts';
import { packThermo } from '../oci/fixture.ts';
import { hastyClock } from '../registry/hasty-clock.ts';
import { runProgram } from './run-program.ts';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-registry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** The command in a process of its own; settles when it listens. */
function startRegistry(...line: readonly string[]): Promise<{ host: string; child: ChildProcess }> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'registry', '--port', '0', ...line], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return new Promise((resolve, reject) => {
    let said = '';
    const listen = (piece: Buffer): void => {
      said += piece.toString();
      const host = /^ready: (\S+)$/m.exec(said)?.[1];
      if (host !== undefined) resolve({ host, child });
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    child.once('exit', resolve);
  });

test('what was pushed is there after the process was killed, and one process has the folder at a time', async () => {
  const data = join(folder, 'data');
  const registry = new HttpRegistry({ clock: hastyClock() });
  const before = await startRegistry('--data', data);
  const reference = { host: before.host, name: 'fleet/thermo', tag: '1.0.0' };
  const digest = await pushFirmware(registry, reference, packThermo());
  const second = await runProgram('registry', '--port', '0', '--data', data);
  expect(second).toMatchObject({ exitCode: 69, stderr: expect.stringContaining('in use by process') });
  before.child.kill('SIGKILL');
  await ended(before.child);

  const after = await startRegistry('--data', data, '--read-only');
  expect((await registry.resolve({ ...reference, host: after.host })).digest).toBe(digest);
  await expect(registry.putBlob({ ...reference, host: after.host }, new Uint8Array(3))).rejects.toMatchObject(
    {
      code: 'unsupported',
    },
  );
  after.child.kill('SIGTERM');
  expect(await ended(after.child)).toBe(0);
});

test('users of a file may write, strangers may read where that was said', async () => {
  const users = join(folder, 'users');
  writeFileSync(users, 'fleet:orchard\n');
  const { host } = await startRegistry('--users', users, '--anonymous-pull');
  const reference = { host, name: 'fleet/thermo', tag: '1.0.0' };
  const credentials = () => ({ username: 'fleet', password: 'orchard' });
  await pushFirmware(new HttpRegistry({ clock: hastyClock(), credentials }), reference, packThermo());
  const stranger = new HttpRegistry({ clock: hastyClock() });
  expect((await stranger.resolve(reference)).digest).toBe(packThermo().digest);
  await expect(stranger.putBlob(reference, new Uint8Array(3))).rejects.toMatchObject({
    code: 'unauthorized',
  });
});

test.each<[number, RegExp, readonly string[]]>([
  [64, /--port 70000/, ['--port', '70000']],
  [64, /go together/, ['--tls-cert', 'x.pem']],
  [64, /there is no file .*users/, ['--users', join(folder, 'no', 'users')]],
  [64, /line 1: write NAME:PASSWORD/, ['--users', join(folder, 'bad')]],
])('exit code %i, and one line that says why, with no password in it', async (code, message, line) => {
  writeFileSync(join(folder, 'bad'), 'hunter2\n');
  const run = await runProgram('registry', ...line);
  expect(run.exitCode).toBe(code);
  expect(run.stderr).toMatch(message);
  expect(run.stderr).not.toContain('hunter2');
});
