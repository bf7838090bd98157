import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceIdOf, ueidFromBytes, ueidOfDeviceId } from '../../src/attestation/ueid.ts';

test('a UEID is type 01 and the bytes; the device id shows the bytes as a UUID does', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index);
  expect(ueidFromBytes(bytes)).toEqual(Uint8Array.of(1, ...bytes));
  expect(deviceIdOf(ueidFromBytes(bytes))).toBe('f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff');
});

test('device ids and UEIDs are two writings of one thing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const ueid = ueidFromBytes(bytes);
      expect(ueidOfDeviceId(deviceIdOf(ueid))).toEqual(ueid);
    }),
  );
});

test('other texts and other kinds of UEID are no devices', () => {
  for (const text of ['', 'F0F1F2F3-F4F5-F6F7-F8F9-FAFBFCFDFEFF', 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'])
    expect(ueidOfDeviceId(text)).toBeUndefined();
  expect(() => deviceIdOf(Uint8Array.of(2, 1, 2, 3, 4, 5, 6))).toThrow(RangeError);
  expect(() => ueidFromBytes(new Uint8Array(15))).toThrow(RangeError);
});
