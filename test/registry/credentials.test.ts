import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { credentialsIn, usualCredentialFiles } from '../../operator/adapters/registry-credentials.ts';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { hastyClock } from './hasty-clock.ts';
import { serveHostile } from './hostile-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'brickproof-credentials-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = process.env.PATH;
beforeEach(() => {
  process.env.PATH = `${folder}${delimiter}${path}`;
});
afterEach(() => {
  process.env.PATH = path;
});

let written = 0;
function fileOf(content: unknown): string {
  const file = join(folder, `config-${++written}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}
const ask = (content: unknown, host = 'registry.local:5000') =>
  credentialsIn({ files: [fileOf(content)] })(host);
const basic = (text: string): string => Buffer.from(text).toString('base64');

/** A helper as docker finds it: `docker-credential-NAME` on the path. */
function helper(name: string, script: string): void {
  const file = join(folder, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('a credential file', () => {
  test.each<[string, object, object | undefined]>([
    [
      'with a login as docker writes it',
      { 'registry.local:5000': { auth: basic('fleet:a:b') } },
      { username: 'fleet', password: 'a:b' },
    ],
    [
      'with a login under an address',
      { 'https://registry.local:5000': { auth: basic('fleet:x') } },
      { username: 'fleet', password: 'x' },
    ],
    [
      'with name and password apart',
      { 'registry.local:5000': { username: 'fleet', password: 'x' } },
      { username: 'fleet', password: 'x' },
    ],
    [
      'with an identity token',
      { 'registry.local:5000': { auth: basic('fleet:'), identitytoken: 'it-1' } },
      { identityToken: 'it-1' },
    ],
    ['with logins for others', { 'other.local': { auth: basic('fleet:x') } }, undefined],
  ])('%s', async (_, auths, expected) => {
    expect(await ask({ auths })).toEqual(expected);
  });

  test("holds Docker Hub's login under the address of its first API", async () => {
    const auths = { 'https://index.docker.io/v1/': { auth: basic('hub:x') } };
    expect(await ask({ auths }, 'docker.io')).toEqual({ username: 'hub', password: 'x' });
  });

  test('that does not exist is passed over for the next', async () => {
    const file = fileOf({ auths: { h: { auth: basic('u:p') } } });
    const find = credentialsIn({ files: [join(folder, 'none.json'), file] });
    expect(await find('h')).toEqual({ username: 'u', password: 'p' });
  });

  test.each([
    ['is not JSON', '{"auths":{"h":{"auth":"c2VjcmV0"'],
    ['is of another shape', '{"auths":{"h":{"auth":["c2VjcmV0"]}}}'],
    ['names a helper by a path', '{"credsStore":"../c2VjcmV0"}'],
  ])('that %s is refused by name, and nothing in it is repeated', async (_, content) => {
    const error = await ask(content, 'h').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'RegistryError', code: 'unauthorized' });
    expect(String(error)).toContain(`config-${written}.json`);
    expect(String(error)).not.toContain('c2VjcmV0');
  });

  test('is looked for where docker, podman and oras keep theirs', () => {
    expect(usualCredentialFiles({ HOME: '/home/x' })).toEqual(['/home/x/.docker/config.json']);
    const environment = { HOME: '/h', REGISTRY_AUTH_FILE: '/a', XDG_RUNTIME_DIR: '/r', DOCKER_CONFIG: '/d' };
    expect(usualCredentialFiles(environment)).toEqual(['/a', '/r/containers/auth.json', '/d/config.json']);
  });
});

describe('a credential helper', () => {
  test('is asked for its host, and wins over the file', async () => {
    helper('mine', `read host; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$host\\"}"`);
    const auths = { 'registry.local:5000': { auth: basic('fleet:x') } };
    const credHelpers = { 'registry.local:5000': 'mine' };
    expect(await ask({ auths, credHelpers })).toEqual({ username: 'get', password: 'registry.local:5000' });
  });

  test('that gives a token gives an identity token', async () => {
    helper('token', `echo '{"Username":"<token>","Secret":"it-2"}'`);
    expect(await ask({ credsStore: 'token' })).toEqual({ identityToken: 'it-2' });
  });

  test('that knows nothing of the host leaves it to the file', async () => {
    helper('empty', `echo 'credentials not found in native keychain'; exit 1`);
    const auths = { 'registry.local:5000': { auth: basic('fleet:x') } };
    expect(await ask({ auths, credsStore: 'empty' })).toEqual({ username: 'fleet', password: 'x' });
  });

  test.each([
    ['fails', `echo 'hunter2 is locked'; exit 1`, /exit code 1/],
    ['babbles', `echo '{"Username":"hunter2"'`, /something else than a login/],
    ['floods', `yes hunter2`, /said too much/],
  ])('that %s is named, and what it said is not', async (name, script, message) => {
    helper(name, script);
    const error = await ask({ credsStore: name }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'unauthorized', message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('hunter2');
  });

  test('that is not installed is named', async () => {
    await expect(ask({ credsStore: 'nowhere' })).rejects.toThrow(/docker-credential-nowhere.*ENOENT/);
  });
});

test('an identity token is sent in a form, for a token that is good for one scope', async () => {
  mkdirSync(folder, { recursive: true });
  const bytes = new Uint8Array(10);
  const forms: string[] = [];
  const server = await serveHostile((request, response) => {
    if (request.url === '/token') {
      request.on('data', (piece: Buffer) => forms.push(piece.toString()));
      request.on('end', () => response.end('{"access_token":"t-1","expires_in":300}'));
      return;
    }
    if (request.headers.authorization === 'Bearer t-1') return void response.end(bytes);
    const challenge = `Bearer realm="http://${request.headers.host}/token",service="s"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  });
  const credentials = credentialsIn({
    files: [fileOf({ auths: { [server.host]: { identitytoken: 'it-3' } } })],
  });
  const registry = new HttpRegistry({ clock: hastyClock(), credentials });
  const key = { digest: digestOf(bytes), size: 10 };
  expect(await registry.blob({ host: server.host, name: 'fleet/x' }, key)).toEqual(bytes);
  expect(Object.fromEntries(new URLSearchParams(forms.join('')))).toEqual({
    grant_type: 'refresh_token',
    client_id: 'brickproof',
    refresh_token: 'it-3',
    service: 's',
    scope: 'repository:fleet/x:pull',
  });
  await server.close();
});
