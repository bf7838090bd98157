import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { RegistryFiles } from '../../sim/live/registry-files.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { type RegistryServer, type ServeOptions, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { CommandError, EXIT, runCommand } from './firmware-command.ts';
import { readInput } from './firmware-endpoint.ts';

interface RegistryOptions {
  readonly data?: string;
  readonly port: string;
  readonly address: string;
  readonly readOnly?: boolean;
  readonly users?: string;
  readonly anonymousPull?: boolean;
  readonly basic?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Adds `registry`, which serves until a signal comes. */
export function registerRegistry(program: Command): void {
  program
    .command('registry')
    .description('serve an OCI registry of your own')
    .option('--data <folder>', 'keep content in this folder; default: in memory, gone at the end')
    .option('--port <number>', '0 takes a free one', '5000')
    .option('--address <address>', 'where to listen', '127.0.0.1')
    .option('--read-only', 'refuse everything that changes content')
    .option('--users <file>', 'ask for a login: a line NAME:PASSWORD for each user')
    .option('--anonymous-pull', 'with --users: reading takes no login')
    .option('--basic', 'with --users: ask for the password itself and not for a token')
    .option('--tls-cert <file>', 'speak TLS with this certificate, in PEM')
    .option('--tls-key <file>', 'and this key')
    .action((options: RegistryOptions) => runCommand(() => serve(options)));
}

async function serve(options: RegistryOptions): Promise<void> {
  if (!/^\d{1,5}$/.test(options.port) || Number(options.port) > 65_535)
    throw new CommandError(EXIT.usage, `--port ${options.port}: a port is a number from 0 to 65535`);
  const settings = { port: Number(options.port), address: options.address, ...securityOf(options) };
  const files = options.data === undefined ? undefined : openFiles(options.data);
  try {
    const store = new RegistryStore(files);
    for (const path of store.strangeFiles)
      process.stderr.write(`brickproof: ${options.data}/${path} is damaged or none of ours; passed over\n`);
    const server = await listen(store, settings);
    process.stdout.write(`ready: ${server.host}\n`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
    });
    await server.close();
  } finally {
    files?.close();
  }
}

async function listen(store: RegistryStore, settings: ServeOptions): Promise<RegistryServer> {
  try {
    return await serveRegistry(store, settings);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CommandError(
      EXIT.unavailable,
      `cannot listen on ${settings.address}:${settings.port}: ${code}`,
    );
  }
}

function openFiles(folder: string): RegistryFiles {
  try {
    return new RegistryFiles(folder);
  } catch (cause) {
    throw new CommandError(EXIT.cannotCreate, `--data ${folder}: ${(cause as Error).message}`);
  }
}

function securityOf(options: RegistryOptions): Pick<ServeOptions, 'auth' | 'tls' | 'isReadOnly'> {
  const { users, tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new CommandError(EXIT.usage, '--tls-cert and --tls-key go together');
  const auth =
    users === undefined
      ? undefined
      : {
          users: readUsers(users),
          scheme: options.basic === true ? ('basic' as const) : ('bearer' as const),
          anonymousPull: options.anonymousPull === true,
          secret: randomBytes(32),
          clock: new ScaledClock(),
        };
  return {
    isReadOnly: options.readOnly === true,
    ...(auth === undefined ? {} : { auth }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { certificate: readInput(tlsCert).toString(), key: readInput(tlsKey).toString() } }),
  };
}

function readUsers(file: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of readInput(file).toString().split(/\r?\n/).entries()) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    // The line itself is not repeated: it holds a password.
    if (colon < 1) throw new CommandError(EXIT.data, `${file}, line ${index + 1}: write NAME:PASSWORD`);
    users.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return users;
}
