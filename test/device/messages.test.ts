import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeAnnouncement,
  decodeChallenge,
  decodeOffer,
  decodeRebootOrder,
  decodeReport,
  encodeMessage,
  type Offer,
} from '../../src/device/messages.ts';

const offer: Offer = {
  session: 's1',
  application: 'thermo',
  version: '2.0.0',
  chip: 'esp32',
  sizeBytes: 921_600,
  digest: `sha256:${'00'.repeat(32)}`,
  secureVersion: 0,
  bootsWithoutConfirm: 1,
};

test('an offer is read as it was written', () => {
  expect(decodeOffer(encodeMessage(offer))).toEqual(offer);
});

test('an offer that lacks a member, or has one of another type, is no offer', () => {
  for (const key of Object.keys(offer)) {
    const { [key as keyof Offer]: _, ...rest } = offer;
    expect(decodeOffer(encodeMessage(rest as Offer)), key).toBeUndefined();
    expect(decodeOffer(encodeMessage({ ...offer, [key]: null } as unknown as Offer)), key).toBeUndefined();
  }
});

test('reports of every stage are read back, and no others', () => {
  for (const report of [
    { stage: 'accepted' },
    { stage: 'written' },
    { stage: 'refused', code: 'busy', message: 'm' },
    { stage: 'failed', code: 'image-invalid', message: 'm' },
  ] as const)
    expect(decodeReport(encodeMessage(report))).toEqual(report);
  expect(decodeReport(new TextEncoder().encode('{"stage":"refused"}'))).toBeUndefined();
  expect(decodeReport(new TextEncoder().encode('{"stage":"done"}'))).toBeUndefined();
});

test('no decoder throws, whatever the bytes', () => {
  const decoders = [decodeAnnouncement, decodeChallenge, decodeOffer, decodeReport, decodeRebootOrder];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 4096 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, (payload) => {
      for (const decode of decoders) decode(payload);
    }),
    { numRuns: 500 },
  );
});

test('a message longer than any of ours is not even parsed', () => {
  expect(decodeRebootOrder(encodeMessage({ reason: 'x'.repeat(5000) }))).toBeUndefined();
});
