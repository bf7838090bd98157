import { deflateRawSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Inflater } from '../../src/rom/inflate.ts';

const OUTPUT_MAX = 1 << 20;

function inflateInPieces(stream: Uint8Array, pieceSize: number): { bytes: number[]; status: string } {
  const inflater = new Inflater();
  const bytes: number[] = [];
  for (let at = 0; at < stream.length; at += pieceSize)
    bytes.push(...inflater.push(stream.subarray(at, at + pieceSize), OUTPUT_MAX));
  return { bytes, status: inflater.status };
}

test('whatever zlib packs comes out again, at every level and however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 1, max: 700 }),
      (seed, repeat, level, pieceSize) => {
        const plain = Uint8Array.from(
          { length: seed.length * repeat },
          (_, at) => seed[at % seed.length] ?? 0,
        );
        const { bytes, status } = inflateInPieces(deflateSync(plain, { level }), pieceSize);
        expect(status).toBe('done');
        expect(bytes).toEqual([...plain]);
      },
    ),
    { numRuns: 200 },
  );
});

test('any bytes at all end in a status, without a throw and within the bound on output', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, withHeader) => {
      const inflater = new Inflater();
      const output = inflater.push(withHeader ? Uint8Array.of(0x78, 0x9c, ...noise) : noise, 1000);
      expect(output.length).toBeLessThanOrEqual(1000 + 258);
      expect(['more', 'done', 'broken', 'bad-adler']).toContain(inflater.status);
    }),
    { numRuns: 1000 },
  );
});

test('one flipped bit in the Adler-32 is told apart from broken data', () => {
  const stream = deflateSync(Buffer.from('brick'.repeat(100)));
  stream[stream.length - 1] = (stream.at(-1) ?? 0) ^ 1;
  expect(inflateInPieces(stream, 7).status).toBe('bad-adler');
});

test('a stream that would unfold past its bound is broken, not swallowed', () => {
  const inflater = new Inflater();
  inflater.push(deflateSync(new Uint8Array(100_000)), 4096);
  expect(inflater.status).toBe('broken');
});

test('a match that reaches back before the first byte is broken', () => {
  const dictionary = Buffer.from('a story that the stream itself never told');
  const raw = deflateRawSync(dictionary, { dictionary });
  const inflater = new Inflater();
  inflater.push(Uint8Array.of(0x78, 0x9c, ...raw), OUTPUT_MAX);
  expect(inflater.status).toBe('broken');
});
