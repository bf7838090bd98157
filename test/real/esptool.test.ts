import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { CHIP_NAMES, CHIPS } from '../../src/esp/chips.ts';
import { type BenchBoard, benchBoard, runTool, scratch } from './esptool-bench.ts';
import { peerPath } from './python-peers.ts';

/** esptool's own RFC 2217 client waits 0.2 s around every command: the tests run side by side. */
const MINUTES = 60_000;
const KIB = 1024;

/** Bytes that do not compress well and differ from file to file. */
function pattern(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
}

async function withBoard(
  board: Promise<BenchBoard>,
  use: (board: BenchBoard) => Promise<void>,
): Promise<void> {
  const opened = await board;
  try {
    await use(opened);
  } finally {
    await opened.close();
  }
}

beforeAll(async () => {
  const { output } = await runTool(peerPath('esptool'), ['version']);
  process.stdout.write(`peer: ${output.split('\n')[0]}\n`);
}, 10 * MINUTES);

describe('the newest esptool over RFC 2217, with its default reset', {
  concurrent: true,
  timeout: 5 * MINUTES,
}, () => {
  test.each(CHIP_NAMES)('detects an %s, its flash and its MAC', async (name) => {
    await withBoard(benchBoard(name), async ({ esptool }) => {
      const { output, exitCode } = await esptool('flash-id');
      expect(output).toContain(`Connected to ${CHIPS[name].label} on`);
      const { revision } = CHIPS[name];
      expect(output).toContain(`revision v${Math.floor(revision / 100)}.${revision % 100}`);
      expect(output).toContain('7c:df:a1:00:00:01');
      expect(output).toContain('Stub flasher running');
      expect(output).toContain('Detected flash size: 4MB');
      expect(exitCode).toBe(0);
    });
  });

  test('write-flash puts a compressed 1 MiB image where it belongs, and esptool finds its hash right', async () => {
    await withBoard(benchBoard('esp32c3'), async ({ esptool, flash }) => {
      const image = pattern(KIB * KIB, 1);
      const started = performance.now();
      const { output, exitCode } = await esptool('write-flash', '0x10000', file('1m.bin', image));
      process.stdout.write(
        `1 MiB write-flash over rfc2217: ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
      );
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0x10000, image.length), image)).toBe(0);
    });
  });

  test('write-flash without compression, over what was there before', async () => {
    const before = pattern(256 * KIB, 7);
    const flash = NorFlash.ofImage(new BlockStore(), before);
    await withBoard(benchBoard('esp32s3', { flash }), async ({ esptool }) => {
      const image = pattern(50_000, 2);
      const { output, exitCode } = await esptool(
        'write-flash',
        '--no-compress',
        '0x1000',
        file('plain.bin', image),
      );
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0x1000, image.length), image)).toBe(0);
      const erasedTo = 0x1000 + Math.ceil(image.length / 4096) * 4096;
      expect(Buffer.compare(flash.read(0, 0x1000), before.subarray(0, 0x1000))).toBe(0);
      expect(Buffer.compare(flash.read(erasedTo, 0x1000), before.subarray(erasedTo, erasedTo + 0x1000))).toBe(
        0,
      );
    });
  });

  test.each(['esp32', 'esp32s2', 'esp32c3'] as const)(
    'write-flash by the mask ROM of an %s alone',
    async (name) => {
      await withBoard(benchBoard(name), async ({ esptool, flash }) => {
        const image = pattern(20_000, 3);
        const { output, exitCode } = await esptool(
          '--no-stub',
          'write-flash',
          '0x8000',
          file(`rom-${name}.bin`, image),
        );
        expect(output).toContain('Hash of data verified');
        expect(exitCode).toBe(0);
        expect(Buffer.compare(flash.read(0x8000, image.length), image)).toBe(0);
      });
    },
  );

  test('write-flash compressed by the mask ROM alone', async () => {
    await withBoard(benchBoard('esp32c6'), async ({ esptool, flash }) => {
      const image = new Uint8Array(64 * KIB).map((_, at) => (at >> 6) & 0xff);
      const { output, exitCode } = await esptool(
        '--no-stub',
        'write-flash',
        '--compress',
        '0',
        file('deflate.bin', image),
      );
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0, image.length), image)).toBe(0);
    });
  });

  test('read-flash brings back what is there, verify-flash agrees and disagrees', async () => {
    const contents = pattern(1024 * KIB, 4);
    const flash = NorFlash.ofImage(new BlockStore(), contents);
    await withBoard(benchBoard('esp32c3', { flash }), async ({ esptool }) => {
      const target = join(scratch, 'read.bin');
      expect((await esptool('read-flash', '0x3000', '0x11000', target)).exitCode).toBe(0);
      expect(Buffer.compare(readFileSync(target), contents.subarray(0x3000, 0x14000))).toBe(0);
      const same = file('same.bin', contents.subarray(0x3000, 0x5000));
      expect((await esptool('verify-flash', '0x3000', same)).output).toContain('Verification successful');
      const other = file('other.bin', pattern(0x2000, 99));
      const wrong = await esptool('verify-flash', '0x3000', other);
      expect(wrong.output).toContain('Verification failed');
      expect(wrong.exitCode).not.toBe(0);
    });
  });

  test('read-flash by the mask ROM, 64 bytes at a time', async () => {
    const contents = pattern(256 * KIB, 5);
    const flash = NorFlash.ofImage(new BlockStore(), contents);
    await withBoard(benchBoard('esp32', { flash }), async ({ esptool }) => {
      const target = join(scratch, 'slow.bin');
      expect((await esptool('--no-stub', 'read-flash', '0x100', '400', target)).exitCode).toBe(0);
      expect(Buffer.compare(readFileSync(target), contents.subarray(0x100, 0x100 + 400))).toBe(0);
    });
  });

  test('erase-region and erase-flash leave ones, and only where asked', async () => {
    const contents = pattern(512 * KIB, 6);
    const flash = NorFlash.ofImage(new BlockStore(), contents);
    await withBoard(benchBoard('esp32h2', { flash }), async ({ esptool }) => {
      expect((await esptool('erase-region', '0x2000', '0x3000')).exitCode).toBe(0);
      expect(flash.read(0x2000, 0x3000).every((byte) => byte === 0xff)).toBe(true);
      expect(Buffer.compare(flash.read(0, 0x2000), contents.subarray(0, 0x2000))).toBe(0);
      expect(Buffer.compare(flash.read(0x5000, 0x1000), contents.subarray(0x5000, 0x6000))).toBe(0);
      expect((await esptool('erase-flash')).exitCode).toBe(0);
      expect(flash.read(0, flash.sizeBytes).every((byte) => byte === 0xff)).toBe(true);
    });
  });

  test('read-mac and get-security-info say what is burnt', async () => {
    const efuse = new Efuse(CHIPS.esp32c3, '840d8e123456');
    efuse.enableSecureBoot();
    efuse.burnKeyDigest(0, '11'.repeat(32));
    efuse.revokeKey(1);
    await withBoard(benchBoard('esp32c3', { efuse }), async ({ esptool }) => {
      expect((await esptool('read-mac')).output).toContain('84:0d:8e:12:34:56');
      const { output, exitCode } = await esptool('--no-stub', 'get-security-info');
      expect(output).toMatch(/Secure Boot:\s+Enabled/);
      expect(output).toMatch(/Secure Boot Key1:?\s.*Revoked/i);
      expect(output).toMatch(/SECURE_BOOT_DIGEST0/);
      expect(exitCode).toBe(0);
    });
  });

  test('a change of baud rate is followed, and everything after it works', async () => {
    await withBoard(benchBoard('esp32'), async ({ esptool, flash }) => {
      const image = pattern(40_000, 8);
      const { output, exitCode } = await esptool(
        '--baud',
        '921600',
        'write-flash',
        '0x10000',
        file('baud.bin', image),
      );
      expect(output).toContain('Changing baud rate to 921600');
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0x10000, image.length), image)).toBe(0);
    });
  });

  test.each(CHIP_NAMES)('espefuse summary reads an %s', async (name) => {
    const efuse = new Efuse(CHIPS[name], '7cdfa1000001');
    efuse.burnSecureVersion(2);
    await withBoard(benchBoard(name, { efuse }), async ({ espefuse }) => {
      const { output, exitCode } = await espefuse('summary');
      expect(output).toMatch(/7c:df:a1:00:00:01/);
      expect(output).toMatch(/SECURE_VERSION[^\n]*\n?[^\n]*= (3|2|0b0*11|0x0*3)/);
      expect(exitCode).toBe(0);
    });
  });

  test('a chip in secure download mode can be written and tells esptool so', async () => {
    await withBoard(benchBoard('esp32c3', { downloadMode: 'secure' }), async ({ esptool, flash }) => {
      const image = pattern(8192, 9);
      const { output, exitCode } = await esptool(
        '--no-stub',
        'write-flash',
        '--flash-size',
        '4MB',
        '0x1000',
        file('sdm.bin', image),
      );
      expect(output).toContain('Secure Download Mode');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0x1000, image.length), image)).toBe(0);
    });
  });

  test('an ESP32-S3 with Secure Boot still runs the stub', async () => {
    const efuse = new Efuse(CHIPS.esp32s3, '7cdfa1000001');
    efuse.enableSecureBoot();
    await withBoard(benchBoard('esp32s3', { efuse }), async ({ esptool, flash }) => {
      const image = pattern(8192, 13);
      const { output, exitCode } = await esptool('write-flash', '0x20000', file('s3sb.bin', image));
      expect(output).toContain('Stub flasher running');
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0x20000, image.length), image)).toBe(0);
    });
  });

  test("the chip's own USB port is reset by its own sequence", async () => {
    await withBoard(benchBoard('esp32s3', { wiring: 'usb-serial-jtag' }), async ({ esptool }) => {
      expect((await esptool('--before', 'usb-reset', 'read-mac')).exitCode).toBe(0);
    });
  });
});

describe('links without modem lines, powered up with the boot pin held', {
  concurrent: true,
  timeout: 5 * MINUTES,
}, () => {
  test('a TCP socket', async () => {
    const board = benchBoard('esp32c3', { bootPinHeld: true }, { kind: 'tcp', port: 0 });
    await withBoard(board, async ({ esptool, flash }) => {
      const image = pattern(30_000, 10);
      const { output, exitCode } = await esptool('write-flash', '0', file('tcp.bin', image));
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0, image.length), image)).toBe(0);
    });
  });

  test('a pseudo-terminal', async () => {
    const path = join(scratch, 'tty-board');
    const board = benchBoard('esp32', { bootPinHeld: true }, { kind: 'pty', path });
    await withBoard(board, async ({ esptool, flash }) => {
      const image = pattern(300_000, 11);
      const { output, exitCode } = await esptool(
        ...['--before', 'no-reset', '--after', 'no-reset', 'write-flash', '0', file('pty.bin', image)],
      );
      expect(output).toContain('Hash of data verified');
      expect(exitCode).toBe(0);
      expect(Buffer.compare(flash.read(0, image.length), image)).toBe(0);
    });
  });
});

describe('the command', { timeout: 5 * MINUTES }, () => {
  const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

  test('serves two boards at once, says so in one line, and saves a flash that a tool has written', async () => {
    const saved = join(scratch, 'saved.bin');
    const args = [
      'board',
      'serve',
      '--chip',
      'esp32c3',
      '--chip',
      'esp32',
      '--rfc2217',
      '0',
      '--rfc2217',
      '0',
    ];
    const child = spawn(process.execPath, [program, ...args, '--save', saved], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (bytes) => resolve(String(bytes))),
    );
    expect(line).toMatch(
      /^ready: esp32c3 at rfc2217:\/\/127\.0\.0\.1:\d+, esp32 at rfc2217:\/\/127\.0\.0\.1:\d+\n$/,
    );
    const [first, second] = [...line.matchAll(/rfc2217:\S+:\d+/g)].map(([url]) => url);
    const image = pattern(5000, 12);
    const esptool = peerPath('esptool');
    const [written, other] = await Promise.all([
      runTool(esptool, ['--port', first ?? '', 'write-flash', '0x1000', file('save.bin', image)]),
      runTool(esptool, ['--port', second ?? '', 'read-mac']),
    ]);
    expect(written.exitCode).toBe(0);
    expect(other.output).toContain('Connected to ESP32 on');
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    expect(Buffer.compare(readFileSync(saved).subarray(0x1000, 0x1000 + image.length), image)).toBe(0);
  });

  test.each([
    [64, ['--chip', 'esp33', '--tcp', '0'], /--chip esp33: there is no such chip/],
    [64, ['--chip', 'esp32'], /--rfc2217 PORT, --tcp PORT or --pty PATH/],
    [64, ['--chip', 'esp32', '--tcp', 'x'], /--tcp x: a whole number from 0 to 65535 is wanted/],
    [64, ['--chip', 'esp32', '--tcp', '0', '--flash', program], /which is no multiple of 64 KB/],
    [64, ['--chip', 'esp32', '--tcp', '0', '--flash', '/nowhere'], /there is no file \/nowhere/],
    [
      64,
      ['--chip', 'esp32', '--tcp', '0', '--efuse', 'colour=red'],
      /--efuse colour: there is no such field; known are/,
    ],
    [69, ['--chip', 'esp32', '--pty', program], /exists already/],
  ])('exits %i with one line on %j', async (exitCode, args, message) => {
    const outcome = await runTool(process.execPath, [program, 'board', 'serve', ...args]);
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.output).toMatch(message);
    expect(outcome.output.trim().split('\n')).toHaveLength(1);
  });

  test('a port that is taken is named, with what to do', async () => {
    await withBoard(benchBoard('esp32'), async ({ url }) => {
      const port = url.split(':').at(-1) ?? '';
      const outcome = await new Promise<string>((resolve) => {
        execFile(
          process.execPath,
          [program, 'board', 'serve', '--chip', 'esp32', '--tcp', port],
          (error, _, stderr) => resolve(`${error?.code} ${stderr}`),
        );
      });
      expect(outcome).toBe(
        `69 brickproof: port ${port} is in use; choose another one, or 0 for any free port\n`,
      );
    });
  });
});
