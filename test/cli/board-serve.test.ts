import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { scratchFolder } from './command-line.ts';
import { ScriptedConsole } from './scripted-console.ts';

const { path } = scratchFolder();

/** Runs `board serve` and, once it is ready, interrupts it. */
async function serve(args: readonly string[], whileServed = async (_line: string): Promise<void> => {}) {
  const interrupt = new AbortController();
  const console = new ScriptedConsole({ interrupted: interrupt.signal });
  let ready = (): void => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const out = (text: string): void => {
    console.out(text);
    ready();
  };
  const ending = main(['board', 'serve', ...args], { ...console, out, err: console.err });
  await Promise.race([isReady, ending]);
  if (console.stdout !== '') await whileServed(console.stdout);
  interrupt.abort();
  return { exitCode: await ending, stdout: console.stdout, stderr: console.stderr };
}

describe('what makes no board is one line, and no port is opened', () => {
  writeFileSync(path('short.bin'), new Uint8Array(5000));
  test.each([
    [64, ['--chip', 'esp33', '--tcp', '0'], '--chip esp33: there is no such chip; known are esp32, '],
    [64, ['--chip', 'esp32'], 'a board needs a link: give --rfc2217 PORT, --tcp PORT or --pty PATH'],
    [64, ['--chip', 'esp32', '--tcp', '70000'], '--tcp 70000: a whole number from 0 to 65535 is wanted'],
    [64, ['--chip', 'esp32', '--chip', 'esp32', '--tcp', '0'], '2 times --chip for 1 board(s)'],
    [64, ['--chip', 'esp32', '--tcp', '0', '--flash', path('none.bin')], 'there is no file '],
    [64, ['--chip', 'esp32', '--tcp', '0', '--flash', path('short.bin')], 'which is no multiple of 64 KB'],
    [64, ['--chip', 'esp32', '--tcp', '0', '--flash-size', '3MB'], 'there is no flash part of 3 MB; give '],
    [64, ['--chip', 'esp32', '--tcp', '0', '--efuse', 'download=no'], 'known are download=open, download='],
    [
      64,
      ['--chip', 'esp32', '--tcp', '0', '--efuse', 'colour=red'],
      '--efuse colour: there is no such field',
    ],
    [64, ['--chip', 'esp32', '--tcp', '0', '--usb-jtag'], '--usb-jtag: an ESP32 has no USB Serial/JTAG'],
    [69, ['--chip', 'esp32', '--tcp', '0', '--save', path('no/such/f.bin')], 'f.bin cannot be written: '],
  ])('exit code %i: %j', async (exitCode, args, told) => {
    const answer = await serve(args);
    expect(answer).toMatchObject({ exitCode });
    expect(answer.stderr).toMatch(/^brickproof: [^\n]+\n$/);
    expect(answer.stderr).toContain(told);
    if (exitCode === 64) expect(answer.stdout).toBe('');
  });
});

test('two boards of two chips are ready on one line, and their flash is saved at the end', async () => {
  const saved = path('saved.bin');
  const args = ['--chip', 'esp32', '--chip', 'esp32c3', '--tcp', '0', '--tcp', '0', '--flash-size', '1MB'];
  const { exitCode, stdout, stderr } = await serve([...args, '--save', saved], async (line) => {
    const port = Number(/:(\d+)/.exec(line)?.[1]);
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
    });
  });
  expect(stdout).toMatch(
    /^ready: esp32 at socket:\/\/127\.0\.0\.1:\d+, esp32c3 at socket:\/\/127\.0\.0\.1:\d+\n$/,
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(readFileSync(saved).equals(Buffer.alloc(1024 * 1024, 0xff))).toBe(true);
});
