import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { RegistryFiles } from '../../sim/live/registry-files.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { type RegistryServer, type ServeOptions, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { readTextInput } from './input-file.ts';
import { parseWhole } from './number-argument.ts';
import { printer } from './parent-command.ts';

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
    .addHelpText('after', '\nExamples:\n  $ npx brickproof registry --data ./registry --port 5000\n')
    .action((options: RegistryOptions, command: Command) => serve(options, printer(command)));
}

async function serve(options: RegistryOptions, print: (text: string) => void): Promise<void> {
  const settings = {
    port: parseWhole('--port', options.port, 0, 65_535),
    address: options.address,
    ...securityOf(options),
  };
  const files = options.data === undefined ? undefined : openFiles(options.data);
  try {
    const store = new RegistryStore(files);
    for (const path of store.strangeFiles)
      process.stderr.write(`brickproof: ${options.data}/${path} is damaged or none of ours; passed over\n`);
    const server = await listen(store, settings);
    print(`ready: ${server.host}\n`);
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
    throw new CommandFailure('unavailable', `cannot listen on ${settings.address}:${settings.port}: ${code}`);
  }
}

function openFiles(folder: string): RegistryFiles {
  try {
    return new RegistryFiles(folder);
  } catch (cause) {
    throw new CommandFailure('unavailable', `--data ${folder}: ${(cause as Error).message}`);
  }
}

function securityOf(options: RegistryOptions): Pick<ServeOptions, 'auth' | 'tls' | 'isReadOnly'> {
  const { users, tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) rejectUsage('--tls-cert and --tls-key go together');
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
      : { tls: { certificate: readTextInput(tlsCert), key: readTextInput(tlsKey) } }),
  };
}

function readUsers(file: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of readTextInput(file).split(/\r?\n/).entries()) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    // The line itself is not repeated: it holds a password.
    if (colon < 1) rejectUsage(`${file}, line ${index + 1}: write NAME:PASSWORD`);
    users.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return users;
}
