#!/usr/bin/env node
// The only plain JavaScript of the house: it runs on any Node from 18 on, installs what is missing,
// and hands over to the pinned runtime, which runs TypeScript directly.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const isCheckout = existsSync(join(here, 'main.ts'));
const windows = process.platform === 'win32';

/** Installs with `npm ci` when the lockfile is not the one that node_modules was made from. */
function installIfNeeded() {
  const modules = join(root, 'node_modules');
  const stamp = join(modules, '.brickproof-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('brickproof: installing dependencies (once; this needs the npm registry) ...\n');
  const npm = spawnSync(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: windows,
  });
  if (npm.status !== 0) {
    process.stderr.write(
      'brickproof: npm ci failed; check the network and the npm registry, then try again\n',
    );
    process.exit(69);
  }
  writeFileSync(stamp, wanted);
}

/** Path of the pinned Node, or of this one where npm was told not to run install scripts and this one is new enough. */
function pinnedNode() {
  const file = windows ? 'node.exe' : 'node';
  try {
    const home = dirname(createRequire(join(root, 'package.json')).resolve('node/package.json'));
    const candidate = join(home, 'bin', file);
    if (!existsSync(candidate))
      spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd: home, stdio: ['ignore', 2, 2] });
    if (existsSync(candidate)) return candidate;
  } catch {
    // No pinned runtime beside us: a published package on a new enough Node needs none.
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  process.stderr.write(
    `brickproof: Node ${process.versions.node} is too old and the pinned runtime is not installed; run npm ci with install scripts allowed\n`,
  );
  process.exit(69);
}

if (isCheckout) installIfNeeded();
const node = pinnedNode();
const [mode, ...rest] = process.argv.slice(2);
let command = node;
let args;
if (mode === '--exec') [command, args] = [join(root, 'node_modules', '.bin', rest[0]), rest.slice(1)];
else if (mode === '--node') args = rest;
else
  args = [
    isCheckout ? join(here, 'main.ts') : join(root, 'dist', 'src', 'cli', 'main.js'),
    ...process.argv.slice(2),
  ];

// From a checkout Node strips the types of every file; kept, that is two thirds of a start saved. Inside the checkout,
// because in the system's temporary folder anybody may have put something.
const kept = isCheckout && mode !== '--exec' ? join(root, 'node_modules', '.cache', 'brickproof') : undefined;
const child = spawn(command, args, {
  stdio: 'inherit',
  shell: windows && mode === '--exec',
  env: {
    ...(kept === undefined ? {} : { NODE_COMPILE_CACHE: kept }),
    ...process.env,
    PATH: dirname(node) + delimiter + (process.env.PATH ?? ''),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`brickproof: cannot start ${command}: ${error.message}\n`);
  process.exit(70);
});
child.on('exit', (code, signal) =>
  process.exit(signal === null ? (code ?? 70) : signal === 'SIGINT' ? 130 : 143),
);
