import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseAmount,
  parseBandwidthBitsPerSecond,
  parseDurationSpread,
  parsePercent,
  parseSizeBytes,
} from '../../../src/scenario/language/quantity.ts';

const readers = [
  parseSizeBytes,
  parseBandwidthBitsPerSecond,
  parsePercent,
  parseDurationSpread,
  (text: string) => parseAmount(text),
];

describe('quantities', () => {
  test('a bare number is never a quantity, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true })), (value) => {
        for (const read of readers) expect(read(String(value))).toBeUndefined();
      }),
    );
  });

  test('any text at all is read or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const read of readers) expect(() => read(text)).not.toThrow();
      }),
    );
  });

  test('whole KiB come back as bytes', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (count) => {
        expect(parseSizeBytes(`${count}KiB`)).toBe(count * 1024);
        expect(parseSizeBytes(`${count} kB`)).toBe(count * 1000);
      }),
    );
  });

  test('percentages are shares from 0 to 1', () => {
    expect(parsePercent('12.5%')).toBe(0.125);
    expect(parsePercent('100 %')).toBe(1);
    expect(parsePercent('101%')).toBeUndefined();
  });

  test.each([
    ['40ms ± 20ms', { value: 40, spread: 20 }],
    ['40ms+-20ms', { value: 40, spread: 20 }],
    ['1m30s', { value: 90_000, spread: 0 }],
    ['20ms ± 40ms', undefined],
    ['40ms ± 20', undefined],
    ['1ms ± 1ms ± 1ms', undefined],
  ])('the spread %s', (text, expected) => {
    expect(parseDurationSpread(text)).toEqual(expected);
  });

  test.each([
    ['256kbit/s', 256_000],
    ['1.5Mbit/s', 1_500_000],
    ['0kbit/s', undefined],
    ['256kB/s', undefined],
  ])('the bandwidth %s', (text, expected) => {
    expect(parseBandwidthBitsPerSecond(text)).toBe(expected);
  });

  test('half a byte is no size', () => {
    expect(parseSizeBytes('0.5B')).toBeUndefined();
    expect(parseSizeBytes('0.5KiB')).toBe(512);
    expect(parseSizeBytes('3 constructor')).toBeUndefined();
  });
});
