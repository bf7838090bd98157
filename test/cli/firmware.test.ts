import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RegistryServer, serveRegistry } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { registerFirmware } from '../../src/cli/firmware.ts';
import { firmwareCommand } from '../../src/cli/firmware-command.ts';
import { OCI_INDEX } from '../../src/oci/media-type.ts';
import { appImage } from '../oci/fixture.ts';
import { writeIdfBuild } from './idf-build.ts';
import { type CommandRun, runProgram } from './run-program.ts';

const root = mkdtempSync(join(tmpdir(), 'brickproof-cli-'));
const at = (...path: readonly string[]): string => join(root, ...path);
const firmware = (...line: readonly string[]): Promise<CommandRun> => runProgram('firmware', ...line);
const digestIn = ({ stdout }: CommandRun): string => stdout.trim().split('\n').at(-1) ?? '';

let server: RegistryServer;
let store: RegistryStore;
beforeAll(async () => {
  store = new RegistryStore();
  server = await serveRegistry(store);
  writeIdfBuild(at('build-esp32'), { chip: 'esp32' });
  writeIdfBuild(at('build-c3'), { chip: 'esp32c3' });
  writeIdfBuild(at('build-c3-v2'), { chip: 'esp32c3', version: '2.0.0', sizeBytes: 24_000 });
});
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await server.close();
});

test('two build folders become one artifact, whose digest depends on nothing else', async () => {
  const one = await firmware('pack', at('build-esp32'), at('build-c3'), '-o', `oci:${at('one')}:1.0.0`);
  const two = await firmware('pack', at('build-c3'), at('build-esp32'), '-q', '-o', `oci:${at('two')}:other`);
  expect(one.stderr).toBe('');
  expect(one.stdout).toMatch(/^esp32: 19\.5 KiB, 4 more layers\nesp32c3: .*\nsha256:[0-9a-f]{64}\n$/);
  expect(digestIn(two)).toBe(digestIn(one));
  const { stdout } = await firmware('inspect', `oci:${at('one')}:1.0.0`);
  expect(stdout).toContain('esp32c3 flash-size=4194304');
  expect(stdout).toContain('partition model: 4.9 KiB');
  expect(stdout).toContain('dev.brickproof.firmware.idf-version = v5.4.1');
});

test('pack, push, pull, copy: the digest stays, and what is there is not sent again', async () => {
  const layout = `oci:${at('chain')}:1.0.0`;
  const remote = `${server.host}/fleet/thermo:1.0.0`;
  const packed = await firmware('pack', at('build-c3'), '-o', layout, '--revision', 'f00d');
  const pushed = await firmware('push', layout, remote);
  expect(pushed.stdout).toMatch(/^6 blobs sent \(.*\), 0 mounted, 0 already there; 2 manifests\n/);
  expect((await firmware('push', layout, remote)).stdout).toMatch(/^0 blobs sent \(0 B\), 0 mounted, 6 /);
  const copied = await firmware('copy', remote, `${server.host}/fleet/copy:x`);
  expect(copied.stdout).toMatch(/^0 blobs sent \(0 B\), 6 mounted/);
  const pulled = await firmware('pull', `${server.host}/fleet/copy:x`, `oci:${at('back')}`);
  expect(new Set([packed, pushed, copied, pulled].map(digestIn)).size).toBe(1);
  const image = await firmware('pull', remote, at('c3.bin'), '--chip', 'ESP32-C3');
  expect(readFileSync(at('c3.bin'))).toEqual(readFileSync(at('build-c3', 'thermo.bin')));
  expect(image.stdout).toMatch(/^thermo 1\.0\.0 for esp32c3: 19\.5 KiB\nsha256:/);
});

test('an artifact is pulled into a layout; a mere file name is asked about, not taken for a reference', async () => {
  const { exitCode, stderr } = await firmware('pull', `${server.host}/fleet/thermo:1.0.0`, 'thermo.bin');
  expect(exitCode).toBe(64);
  expect(stderr).toBe(
    'brickproof: thermo.bin: write oci:FOLDER[:TAG], or say with --chip whose app image goes into a file\n',
  );
});

test('straight into a registry, application images alone', async () => {
  const remote = `${server.host}/fleet/direct:1`;
  await firmware('pack', at('build-c3'), '--app-only', '-q', '-o', remote);
  const { stdout } = await firmware('inspect', remote, '--json');
  expect(JSON.parse(stdout).targets[0].layers).toHaveLength(1);
});

test('diff says what changed and what a board fetches', async () => {
  const [before, after] = [`oci:${at('diff')}:1`, `oci:${at('diff')}:2`];
  await firmware('pack', at('build-esp32'), at('build-c3'), '-o', before);
  await firmware('pack', at('build-c3-v2'), '-o', after);
  const changed = await firmware('diff', before, after, '--exit-code');
  expect(changed.exitCode).toBe(1);
  expect(changed.stdout).toContain('esp32 flash-size=4194304: removed, a board fetches 0 B');
  expect(changed.stdout).toContain('esp32c3 flash-size=4194304: changed, a board fetches 23.4 KiB');
  expect(changed.stdout).toContain('  app-image: changed, 19.5 KiB to 23.4 KiB');
  expect(changed.stdout).toContain('  org.opencontainers.image.version: 1.0.0 to 2.0.0');
  expect(changed.stdout).not.toContain('bootloader: changed');
  const same = await firmware('diff', before, before, '--exit-code');
  expect(same.exitCode).toBe(0);
});

test('what boards run now becomes a delta beside the image, and diff says what it saves', async () => {
  const [before, after] = [`oci:${at('deltas')}:1`, `oci:${at('deltas')}:2`];
  await firmware('pack', at('build-esp32'), at('build-c3'), '-o', before);
  const base = at('build-c3', 'thermo.bin');
  const packed = await firmware('pack', at('build-c3-v2'), '--delta-from', base, '-o', after);
  expect(packed.stdout).toMatch(/^esp32c3: 23\.4 KiB, 5 more layers\n/);
  expect((await firmware('inspect', after)).stdout).toMatch(/^ {2}delta from [0-9a-f]{12}: \d+ B, sha256:/m);
  const { stdout } = await firmware('diff', before, after);
  expect(stdout).toMatch(
    /^esp32c3 flash-size=4194304: changed, a board fetches 23\.4 KiB, or a delta of \d+ B$/m,
  );
  const stray = await firmware(
    'pack',
    at('build-c3'),
    '--delta-from',
    at('build-esp32', 'thermo.bin'),
    '-o',
    after,
  );
  expect(stray).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is for esp32, which is not packed'),
  });
});

test('a delta that was attached later is shown, and counts like one that was packed', async () => {
  const [before, after] = [`${server.host}/fleet/attached:1`, `${server.host}/fleet/attached:2`];
  await firmware('pack', at('build-c3'), '-o', before);
  await firmware('pack', at('build-c3-v2'), '-o', after);
  await firmware('delta', 'push', after, '--base', at('build-c3', 'thermo.bin'));
  expect((await firmware('inspect', after)).stdout).toMatch(
    /^ {2}attached delta from [0-9a-f]{12}: \d+ B, /m,
  );
  expect((await firmware('diff', before, after)).stdout).toMatch(/fetches 23\.4 KiB, or a delta of \d+ B$/m);
});

test('what somebody else wrote into an artifact cannot speak to the terminal', async () => {
  const index = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [],
    annotations: { note: '\u001b]0;mine\u0007' },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  store.putManifest('fleet/loud', '1', { mediaType: OCI_INDEX, bytes });
  const { stdout } = await firmware('inspect', `${server.host}/fleet/loud:1`);
  expect(stdout).toContain('note = \\x1b]0;mine\\x07\n');
});

describe('a build that would brick is refused before anything is written', () => {
  const refused = async (...line: readonly string[]): Promise<string> => {
    const run = await firmware('pack', ...line, '-o', `oci:${at('never')}`);
    expect([run.exitCode, run.stdout]).toEqual([1, '']);
    return run.stderr;
  };

  test('the build names another chip than the image', async () => {
    writeIdfBuild(at('liar'), { chip: 'esp32', statedChip: 'esp32s3' });
    expect(await refused(at('liar'))).toContain('esp32s3: the image is for esp32 (chip id 0)');
  });

  test('the image does not fit its slot', async () => {
    writeIdfBuild(at('tight'), { chip: 'esp32', sizeBytes: 0x10010, slotBytes: 0x10000 });
    expect(await refused(at('tight'))).toContain('the smallest app slot only 65536');
    expect(await refused(at('tight'), '--app-only')).toContain('the smallest app slot only 65536');
    writeFileSync(at('app.bin'), appImage(9, 0x10010));
    expect(await refused('--app', at('app.bin'), '--slot-size', '64K')).toContain('the app slot only 65536');
  });

  test('the build points outside its folder', async () => {
    writeIdfBuild(at('escape'), { chip: 'esp32', appFile: '../build-c3/thermo.bin' });
    expect(await refused(at('escape'))).toContain('app.file: "../build-c3/thermo.bin" is not a path inside');
  });
});

test.each<[number, RegExp, readonly string[]]>([
  [64, /nothing to pack/, ['pack', '-o', 'oci:x']],
  [64, /repository names are lower case/, ['inspect', 'registry.local/UPPER:1']],
  [64, /write oci:FOLDER/, ['inspect', 'oci:']],
  [64, /--parallel 0/, ['inspect', 'oci:x', '--parallel', '0']],
  [
    64,
    /--ca-file .*README\.md: holds no certificate in PEM/,
    ['inspect', 'x.local/y', '--ca-file', 'README.md'],
  ],
  [64, /HOST=MIRROR/, ['inspect', 'x.local/y', '--mirror', 'x.local']],
  [64, /go together/, ['inspect', 'x.local/y', '--username', 'fleet']],
  [64, /there is no file .*flasher_args\.json/, ['pack', at('none'), '-o', 'oci:x']],
  [69, /no tag latest/, ['inspect', `oci:${at('none')}`]],
  [
    69,
    /ECONNREFUSED/,
    ['inspect', '127.0.0.1:9/x', '--mirror', '127.0.0.1:9=127.0.0.1:9', '--attempts', '1'],
  ],
])('exit code %i, and one line that says why', async (code, message, line) => {
  const run = await firmware(...line);
  expect(run.exitCode).toBe(code);
  expect(run.stderr).toMatch(message);
  expect(run.stderr.trim().split('\n')).toHaveLength(1);
  expect(run.stdout).toBe('');
});

test('subcommands of other files hang on the same command', () => {
  const program = new Command('brickproof');
  firmwareCommand(program).command('other');
  registerFirmware(program);
  const [firmwareParent, ...others] = program.commands;
  expect(others).toEqual([]);
  expect(firmwareParent?.commands.map((command) => command.name())).toEqual(
    expect.arrayContaining([
      'other',
      'pack',
      'push',
      'pull',
      'copy',
      'inspect',
      'diff',
      'sign',
      'verify',
      'delta',
    ]),
  );
});
