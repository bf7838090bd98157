import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { decodeJson, type JsonPlace } from '../../src/oci/json-document.ts';
import { quote } from '../../src/oci/refusal.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import type { Credentials } from './registry-http-auth.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const HELPER_BYTES_MAX = 64 * 1024;
const HELPER_MS_MAX = 30_000;
/** What a helper says when it knows nothing of a host. Source: docker-credential-helpers, credentials/error.go. */
const HELPER_KNOWS_NOTHING = 'credentials not found in native keychain';
/** User name under which a helper gives an identity token. Source: docker-credential-helpers. */
const TOKEN_USER = '<token>';
/** Docker Hub's logins are stored under the address of its first API. */
const HUB_KEY = 'https://index.docker.io/v1/';

/** Where logins are kept. */
export interface CredentialPlaces {
  /** Files in the order they are asked; those that do not exist are passed over. */
  readonly files: readonly string[];
}

/** The files that docker, podman and oras use, as the environment says. */
export function usualCredentialFiles(environment: Readonly<Record<string, string | undefined>>): string[] {
  const home = environment.HOME ?? homedir();
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker } = environment;
  return [
    ...(named === undefined ? [] : [named]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers', 'auth.json')]),
    join(docker ?? join(home, '.docker'), 'config.json'),
  ];
}

/**
 * Credentials for a host, asked of each file in turn: its helper for the host, its store, its own entries.
 *
 * Throws RegistryError `unauthorized` for a file or helper that cannot be understood; the message names it and
 * holds nothing out of it. Source: docker, "docker login", and containers-auth.json(5).
 */
export function credentialsIn({
  files,
}: CredentialPlaces): (host: string) => Promise<Credentials | undefined> {
  return async (host) => {
    for (const file of files) {
      const found = await askFile(file, host);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

async function askFile(file: string, host: string): Promise<Credentials | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new RegistryError('unauthorized', `${file} cannot be read: ${error.code}`);
  });
  if (bytes === undefined) return undefined;
  const read = decodeJson(bytes, FILE_BYTES_MAX, (root) => {
    const keys = host === 'docker.io' ? [HUB_KEY, host] : [host, `https://${host}`, `https://${host}/v1/`];
    const helpers = root.at('credHelpers');
    const named = helpers.present
      ? keys.map((key) => helpers.at(key)).find(({ present }) => present)
      : undefined;
    const store = root.at('credsStore');
    const helper = named ?? (store.present ? store : undefined);
    const auths = root.at('auths');
    const entry = auths.present ? keys.map((key) => auths.at(key)).find(({ present }) => present) : undefined;
    return {
      helper: helper === undefined ? undefined : helperName(helper),
      key: keys[0] ?? host,
      login: entry === undefined ? undefined : loginIn(entry),
    };
  });
  // The refusal quotes what it met: in this file that may be the secret.
  if (!read.ok)
    throw new RegistryError('unauthorized', `${file}: not a credential file (${read.refusal.place})`);
  const { helper, key, login } = read.value;
  return (helper === undefined ? undefined : await askHelper(helper, key)) ?? login;
}

function helperName(place: JsonPlace): string | undefined {
  const name = place.string();
  if (name === '') return undefined;
  if (!/^[\w.-]+$/.test(name)) place.refuse('unsafe-path', `${quote(name)} is not a helper's name`);
  return name;
}

function loginIn(entry: JsonPlace): Credentials | undefined {
  const text = (key: string): string => (entry.at(key).present ? entry.at(key).string() : '');
  const identityToken = text('identitytoken');
  if (identityToken !== '') return { identityToken };
  const decoded = Buffer.from(text('auth'), 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  const [username, password] = [text('username'), text('password')];
  return username === '' ? undefined : { username, password };
}

/** Source: docker-credential-helpers: `docker-credential-NAME get`, the host on stdin, JSON on stdout. */
async function askHelper(name: string, host: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const { code, output } = await runHelper(program, host);
  if (code !== 0) {
    if (output.includes(HELPER_KNOWS_NOTHING)) return undefined;
    throw new RegistryError(
      'unauthorized',
      `${program} failed for ${host} (${code === null ? 'it did not end in time, or said too much' : `exit code ${code}`})`,
    );
  }
  const read = decodeJson(Buffer.from(output), HELPER_BYTES_MAX, (root) => ({
    username: root.at('Username').string(),
    secret: root.at('Secret').string(),
  }));
  if (!read.ok)
    throw new RegistryError('unauthorized', `${program} answered with something else than a login`);
  const { username, secret } = read.value;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

function runHelper(program: string, host: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], timeout: HELPER_MS_MAX });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
      if (output.length <= HELPER_BYTES_MAX) return;
      // What the helper started may live on and hold the pipe, so the pipe goes first.
      child.stdout.destroy();
      child.kill();
      resolve({ code: null, output: '' });
    });
    child.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(new RegistryError('unauthorized', `${program} cannot be run: ${code}`)),
    );
    child.once('close', (code) => resolve({ code, output }));
    child.stdin.on('error', () => {});
    child.stdin.end(host);
  });
}
