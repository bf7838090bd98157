import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type LinkEnd, LinkUnavailable, type SerialLink } from './serial-link.ts';

/** Node cannot open a pseudo-terminal by itself, so a program that is on most machines does, and passes bytes on. */
const PYTHON_BRIDGE = `
import os, pty, select, sys, tty
master, slave = pty.openpty()
tty.setraw(slave)
link = sys.argv[1]
os.symlink(os.ttyname(slave), link)
sys.stderr.write('ready\\n'); sys.stderr.flush()
while True:
    ready, _, _ = select.select([0, master], [], [])
    if 0 in ready:
        data = os.read(0, 65536)
        if not data: break
        while data: data = data[os.write(master, data):]
    if master in ready:
        data = os.read(master, 65536)
        while data: data = data[os.write(1, data):]
`;

const OPEN_WITHIN_MS = 5000;

type Bridge = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * A pseudo-terminal that a tool opens like a serial port. It has no modem lines and no speed of its own: power the
 * board up in download mode, and tell the tool not to reset it.
 *
 * Needs `python3` or `socat` on the PATH. Throws LinkUnavailable when neither is there or `path` is taken.
 */
export async function servePty(path: string, end: LinkEnd): Promise<SerialLink> {
  if (existsSync(path)) throw new LinkUnavailable(`${path} exists already; choose another path for the pty`);
  end.board.setHostBaudRate(undefined);
  const bridge = (await openPython(path)) ?? (await openSocat(path));
  if (bridge === undefined)
    throw new LinkUnavailable(
      'a pty needs python3 or socat on the PATH; install one, or use --tcp or --rfc2217',
    );
  bridge.stdout.on('data', (bytes: Buffer) => end.board.receive(bytes));
  end.connectOutput((bytes) => void bridge.stdin.write(bytes));
  return {
    url: path,
    close: () =>
      new Promise((resolve) => {
        bridge.once('exit', () => {
          rmSync(path, { force: true });
          resolve();
        });
        bridge.kill();
      }),
  };
}

function openPython(path: string): Promise<Bridge | undefined> {
  const child = spawn('python3', ['-c', PYTHON_BRIDGE, path], { stdio: ['pipe', 'pipe', 'pipe'] });
  return opened(child, (text) => text.includes('ready'));
}

function openSocat(path: string): Promise<Bridge | undefined> {
  const child = spawn('socat', ['-d', '-d', '-', `pty,rawer,link=${path}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return opened(child, (text) => text.includes('starting data transfer loop'));
}

/** The child once it says that its pty is there; undefined when it cannot be started or ends before. */
function opened(child: Bridge, isReady: (log: string) => boolean): Promise<Bridge | undefined> {
  return new Promise((resolve) => {
    let log = '';
    const give = (bridge: Bridge | undefined): void => {
      clearTimeout(timer);
      if (bridge === undefined) child.kill();
      resolve(bridge);
    };
    const timer = setTimeout(() => give(undefined), OPEN_WITHIN_MS);
    child.stderr.on('data', (bytes: Buffer) => {
      log = (log + bytes.toString('latin1')).slice(-4096);
      if (isReady(log)) give(child);
    });
    child.stdin.on('error', () => give(undefined));
    child.once('error', () => give(undefined));
    child.once('exit', () => give(undefined));
  });
}
