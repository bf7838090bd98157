import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDelta, createPatch } from '../../src/delta/create-patch.ts';
import { DELTA_HEADER_BYTES, deltaBaseOf } from '../../src/delta/delta-file.ts';
import { DeltaReader } from '../../src/delta/delta-reader.ts';
import type { PatchCompression } from '../../src/delta/patch-format.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { applyPatch, run } from '../delta/apply.ts';
import { consecutiveBuilds } from '../delta/consecutive-builds.ts';

const peers = process.env.BRICKPROOF_PEERS ?? join(homedir(), '.cache', 'brickproof-peers');

/** PyPI's detools, from the folder of peers; fails loudly, with what it said, where it is missing or refuses. */
async function detools(...args: readonly string[]): Promise<void> {
  await promisify(execFile)(join(peers, 'bin', 'detools'), [...args]);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-detools-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const get = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

const builds = consecutiveBuilds(64 * 1024);
const random = SeededRandom.ofSeed(7).bytes(10_000);
const empty = new Uint8Array(0);
const PAIRS: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ['two builds of an application', builds.from, builds.to],
  ['the same image twice', builds.from, builds.from],
  ['images that have nothing in common', random, builds.from],
  ['a result of one byte', random, Uint8Array.of(7)],
  ['an empty base', empty, random],
  ['an empty result', random, empty],
  ['long runs', new Uint8Array(9000), new Uint8Array(12_000).fill(1, 5000, 5003)],
];
const COMPRESSIONS: readonly PatchCompression[] = ['none', 'crle', 'heatshrink'];

describe.each(COMPRESSIONS)('detools, %s', (compression) => {
  test.each(PAIRS)('applies our patch: %s', async (_, base, target) => {
    const patch = put('ours.patch', createPatch(base, target, compression));
    const made = join(folder, 'made.bin');
    await detools('apply_patch', put('base.bin', base), patch, made);
    expect(get(made)).toEqual(target);
  });

  // detools maps the base into memory, which no system allows for an empty file.
  test.each(PAIRS.filter(([, base]) => base.length > 0))(
    'makes a patch that we apply: %s',
    async (_, base, target) => {
      const patch = join(folder, 'theirs.patch');
      const files = [put('base.bin', base), put('target.bin', target), patch];
      await detools('create_patch', '-c', compression, ...files);
      expect(applyPatch(base, get(patch))).toEqual({ refusal: undefined, result: target });
    },
  );
});

test('a heatshrink window other than the default is applied where it is allowed', async () => {
  const patch = join(folder, 'wide.patch');
  const files = [put('base.bin', builds.from), put('target.bin', builds.to), patch];
  await detools(
    'create_patch',
    '-c',
    'heatshrink',
    '--heatshrink-window-sz2',
    '12',
    '--heatshrink-lookahead-sz2',
    '5',
    ...files,
  );
  expect(applyPatch(builds.from, get(patch)).result).toEqual(builds.to);
});

test.each(['lzma', 'bz2', 'zstd', 'lz4'])(
  'a patch compressed with %s is refused by that name',
  async (name) => {
    const patch = join(folder, 'foreign.patch');
    await detools(
      'create_patch',
      '-c',
      name,
      put('base.bin', builds.from),
      put('target.bin', builds.to),
      patch,
    );
    expect(applyPatch(builds.from, get(patch)).refusal).toMatchObject({
      code: 'unsupported-compression',
      message: expect.stringContaining(name),
    });
  },
);

test('a delta file as esp_delta_ota_patch_gen.py assembles it is applied, and ours is what it would assemble', async () => {
  const base = deltaBaseOf(builds.from);
  if (base === undefined) throw new Error('not an app image');
  const patch = join(folder, 'device.patch');
  const files = [put('base.bin', builds.from), put('target.bin', builds.to), patch];
  await detools('create_patch', '-c', 'heatshrink', ...files);
  const header = Buffer.alloc(DELTA_HEADER_BYTES);
  header.writeUInt32LE(0xfccdde10);
  header.set(builds.from.subarray(-32), 4);
  const expected = {
    baseValidationHash: base.validationHash,
    targetSha256: createHash('sha256').update(builds.to).digest(),
    targetBytes: builds.to.length,
  };
  const theirs = new Uint8Array(Buffer.concat([header, get(patch)]));
  expect(run((ports) => new DeltaReader(ports, expected), builds.from, theirs).refusal).toBeUndefined();

  const ours = createDelta(base, builds.to);
  expect(ours.subarray(0, DELTA_HEADER_BYTES)).toEqual(new Uint8Array(header));
  const made = join(folder, 'made.bin');
  await detools('apply_patch', files[0] ?? '', put('ours.patch', ours.subarray(DELTA_HEADER_BYTES)), made);
  expect(get(made)).toEqual(builds.to);
});
