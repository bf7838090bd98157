import { expect, test } from 'vitest';
import { PatchReader } from '../../src/delta/patch-reader.ts';

const ports = { baseBytes: 0, readBase: () => new Uint8Array(0), write: () => true };
const push = (bytes: readonly number[], windowBitsMax?: number) =>
  new PatchReader(ports, {
    targetBytesMax: 100_000,
    ...(windowBitsMax === undefined ? {} : { windowBitsMax }),
  }).push(Uint8Array.from(bytes));

test.each([
  [0x01, 'lzma'],
  [0x03, 'bz2'],
  [0x05, 'zstd'],
  [0x06, 'lz4'],
  [0x0b, 'unknown (11)'],
])('compression 0x%s is refused by its name', (byte, name) => {
  expect(push([byte, 1])).toMatchObject({
    code: 'unsupported-compression',
    message: expect.stringContaining(name),
  });
});

test.each([
  [0x14, 'in-place'],
  [0x24, 'hdiffpatch'],
  [0x74, 'unknown (7)'],
])('patch type 0x%s is refused by its name', (byte, name) => {
  expect(push([byte, 1])).toMatchObject({
    code: 'unsupported-patch-type',
    message: expect.stringContaining(name),
  });
});

test('a data format is refused, and so is a window that a board has no memory for', () => {
  expect(push([0x00, 1, 5])?.code).toBe('unsupported-data-format');
  const window11 = ((11 - 4) << 4) | (4 - 3);
  expect(push([0x04, 1, window11])).toMatchObject({ message: expect.stringContaining('window of 11 bits') });
  expect(push([0x04, 1, window11], 11)).toBeUndefined();
});

test('a result above the limit is refused before anything is written', () => {
  expect(push([0x00, 0xbf, 0xff, 0x7f])).toMatchObject({ code: 'too-large' });
  expect(push([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).toMatchObject({ code: 'too-large' });
  expect(push([0x00, 0x41])).toMatchObject({ code: 'malformed' });
});

test('a patch of nothing but empty blocks is stopped', () => {
  // CRLE: two billion zeros in seven bytes, which read as block after block of nothing.
  expect(push([0x02, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x07, 0])).toMatchObject({
    code: 'malformed',
    message: expect.stringContaining('blocks'),
  });
});
