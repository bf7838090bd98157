import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, SlipDecoder } from '../../src/rom/slip.ts';

test('any payload survives SLIP, wherever the stream is cut', () => {
  const payload = Uint8Array.from({ length: 256 }, (_, at) => at);
  const stream = encodeFrame(payload);
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new SlipDecoder();
    const events = [...decoder.push(stream.slice(0, cut)), ...decoder.push(stream.slice(cut))];
    expect(events, `cut at ${cut}`).toEqual([{ kind: 'frame', payload }]);
  }
});

test('frames come out in order and the boot log between them is kept', () => {
  const log = new TextEncoder().encode('waiting for download\r\n');
  const decoder = new SlipDecoder();
  const events = decoder.push(
    Uint8Array.from([...log, ...encodeFrame(Uint8Array.of(1)), ...encodeFrame(Uint8Array.of(0xc0, 0xdb))]),
  );
  expect(events).toEqual([
    { kind: 'stray', bytes: log },
    { kind: 'frame', payload: Uint8Array.of(1) },
    { kind: 'frame', payload: Uint8Array.of(0xc0, 0xdb) },
  ]);
});

test('random bytes never throw and never hold more than the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (chunks) => {
      const decoder = new SlipDecoder(64);
      for (const chunk of chunks)
        for (const event of decoder.push(chunk))
          if (event.kind === 'frame') expect(event.payload.length).toBeLessThanOrEqual(64);
    }),
    { numRuns: 1000 },
  );
});

test('a wrong escape and an endless frame are reported, and the next frame is read', () => {
  const decoder = new SlipDecoder(8);
  expect(decoder.push(Uint8Array.of(0xc0, 1, 0xdb, 2))).toEqual([{ kind: 'broken', reason: 'bad-escape' }]);
  expect(decoder.push(Uint8Array.of(0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9))).toEqual([
    { kind: 'broken', reason: 'too-long' },
  ]);
  expect(decoder.push(encodeFrame(Uint8Array.of(7)))).toEqual([{ kind: 'frame', payload: Uint8Array.of(7) }]);
});
