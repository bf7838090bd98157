import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { hastyClock } from '../registry/hasty-clock.ts';
import { serveHostile } from '../registry/hostile-server.ts';
import { writeIdfBuild } from './idf-build.ts';
import { runProgram } from './run-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'brickproof-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SECRETS = ['hunter2', Buffer.from('fleet:hunter2').toString('base64'), 'issued-token'];

function authfileFor(host: string): string {
  const file = join(folder, `auth-${host.replace(':', '-')}.json`);
  const auth = Buffer.from('fleet:hunter2').toString('base64');
  writeFileSync(file, JSON.stringify({ auths: { [host]: { auth } } }));
  return file;
}

/** Everything that a command left behind for people or programs to read. */
function expectNoSecret(...texts: readonly string[]): void {
  for (const text of texts) for (const secret of SECRETS) expect(text).not.toContain(secret);
}

test('what a registry throws back at us is not passed on', async () => {
  for (const status of [400, 401, 403, 404, 500]) {
    const server = await serveHostile((request, response) => {
      const said = JSON.stringify({
        errors: [{ code: 'OOPS', message: JSON.stringify(request.headers) }],
      });
      if (request.url?.startsWith('/token')) return void response.end('{"token":"issued-token"}');
      const realm = `Bearer realm="http://${request.headers.host}/token"`;
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': realm }).end(said);
      response.writeHead(status, { 'x-echo': request.headers.authorization }).end(said);
    });
    const line = ['--authfile', authfileFor(server.host), '--attempts', '1'];
    const { stdout, stderr, exitCode } = await runProgram(
      'firmware',
      'inspect',
      `${server.host}/x/y:1`,
      ...line,
    );
    expect(exitCode).not.toBe(0);
    expectNoSecret(stdout, stderr);
    await server.close();
  }
});

test('a whole way from build to registry and back leaves no secret in what is printed or written', async () => {
  const auth = { users: new Map([['fleet', 'hunter2']]), secret: new Uint8Array(32), clock: hastyClock() };
  const { host, close } = await serveRegistry(new RegistryStore(), { auth });
  const login = ['--authfile', authfileFor(host)];
  writeIdfBuild(join(folder, 'build'), { chip: 'esp32c3' });
  const out = join(folder, 'out');
  const place = `${host}/fleet/thermo:1`;
  for (const line of [
    ['pack', join(folder, 'build'), '-o', place],
    ['inspect', place, '--json'],
    ['pull', place, `oci:${out}`],
  ]) {
    const { stdout, stderr, exitCode } = await runProgram('firmware', ...line, ...login);
    expect([exitCode, stderr]).toEqual([0, '']);
    expectNoSecret(stdout);
  }
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) expectNoSecret(readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  await close();
});

test.each(['https://fleet:hunter2@registry.local/x:1', 'fleet:hunter2@registry.local/x:1'])(
  'a login written into a reference is refused and not repeated',
  async (place) => {
    const { stdout, stderr, exitCode } = await runProgram('firmware', 'inspect', place);
    expect([exitCode, stdout]).toEqual([64, '']);
    expectNoSecret(stderr);
  },
);
