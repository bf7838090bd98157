import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DockerRegistry {
  readonly host: string;
  close(): Promise<void>;
}

/** User `fleet`, password `orchard`. Made with crypt(3), bcrypt of cost 4. */
const HTPASSWD = 'fleet:$2b$04$abcdefghijklmnopqrstuunChXVb0MIqec9OJaVgTlw8s2WzBZ8tq\n';

/** Debian's docker-registry (distribution) on a free port of this machine, content in a temporary folder. */
export async function startDockerRegistry(options: { readonly basicAuth: boolean }): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-registry-'));
  const htpasswd = join(folder, 'htpasswd');
  writeFileSync(htpasswd, HTPASSWD);
  const config = join(folder, 'config.yml');
  const auth = options.basicAuth ? { htpasswd: { realm: 'fleet', path: htpasswd } } : undefined;
  // JSON is YAML.
  const settings = {
    version: 0.1,
    log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0' },
    ...(auth === undefined ? {} : { auth }),
  };
  writeFileSync(config, JSON.stringify(settings));
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    host: await listeningOn(child),
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          rmSync(folder, { recursive: true, force: true });
          resolve();
        });
        child.kill();
      }),
  };
}

function listeningOn(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.once('error', () =>
      reject(new Error('docker-registry cannot be started; install it: apt-get install docker-registry')),
    );
    child.once('exit', () => reject(new Error(`docker-registry ended before it listened:\n${log}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
}
