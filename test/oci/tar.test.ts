import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTar } from '../../src/oci/tar.ts';
import { writeTar } from './tar-writer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('what was written is read back, long names and odd sizes included', () => {
  const part = fc.stringMatching(/^[a-zé][a-z0-9é.-]{0,60}$/).filter((text) => !text.includes('..'));
  const member = fc.record({
    path: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    content: fc.uint8Array({ maxLength: 1500 }),
  });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 8 }), (members) => {
      const read = readTar(writeTar(members));
      expect(read).toEqual({ ok: true, value: members.map((entry) => ({ ...entry, type: 'file' })) });
    }),
  );
});

test('content is a view into the archive, not a copy', () => {
  const archive = writeTar([{ path: 'a', content: bytes('hello') }]);
  const read = readTar(archive);
  expect(read.ok && read.value[0]?.content.buffer).toBe(archive.buffer);
});

test.each(['/etc/passwd', '../up', 'firmware/../../up', 'a/..', 'a\\..\\b'])(
  'a path that leaves the root refuses the whole archive: %s',
  (path) => {
    const read = readTar(writeTar([{ path: 'firmware/ota.bin', content: bytes('x') }, { path }]));
    expect(read).toMatchObject({ ok: false, refusal: { code: 'unsafe-path', place: 'entry 1' } });
  },
);

test('a leading ./ and a slash at the end are only spelling', () => {
  const read = readTar(writeTar([{ path: './firmware/', type: '5' }, { path: './firmware//a.bin' }]));
  expect(read.ok && read.value.map(({ path, type }) => [path, type])).toEqual([
    ['firmware', 'directory'],
    ['firmware/a.bin', 'file'],
  ]);
});

test('links are entries without content', () => {
  const read = readTar(
    writeTar([
      { path: 'a', type: '2' },
      { path: 'b', type: '1' },
      { path: 'c', type: '3' },
    ]),
  );
  expect(read.ok && read.value.map(({ type }) => type)).toEqual(['link', 'link', 'other']);
});

test('an archive that ends inside an entry is refused, wherever it ends', () => {
  const archive = writeTar([{ path: 'a', content: new Uint8Array(2000).fill(7) }]);
  for (let end = 512; end < 512 + 2000; end += 97)
    expect(readTar(archive.subarray(0, end))).toMatchObject({ ok: false, refusal: { code: 'malformed' } });
});

test('a flipped bit in a header is noticed', () => {
  const archive = writeTar([{ path: 'firmware/ota.bin', content: bytes('x') }]);
  for (const offset of [0, 9, 124, 130, 156, 260, 400]) {
    const spoiled = Uint8Array.from(archive);
    spoiled[offset] = (spoiled[offset] ?? 0) ^ 1;
    expect(readTar(spoiled)).toMatchObject({ ok: false, refusal: { code: 'malformed', place: 'entry 0' } });
  }
});

test('arbitrary bytes are read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (noise) => {
      expect(typeof readTar(noise).ok).toBe('boolean');
    }),
  );
});
