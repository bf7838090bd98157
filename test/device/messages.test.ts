import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DELTA_FORMAT,
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

const delta = {
  from: `sha256:${'11'.repeat(32)}`,
  digest: `sha256:${'22'.repeat(32)}`,
  sizeBytes: 9_000,
  format: DELTA_FORMAT,
};

test('an offer is read as it was written', () => {
  expect(decodeOffer(encodeMessage(offer))).toEqual(offer);
  expect(decodeOffer(encodeMessage({ ...offer, delta }))).toEqual({ ...offer, delta });
});

test('an offer that lacks a member, or has one of another type, is no offer', () => {
  for (const key of Object.keys(offer)) {
    const { [key as keyof Offer]: _, ...rest } = offer;
    expect(decodeOffer(encodeMessage(rest as Offer)), key).toBeUndefined();
    expect(decodeOffer(encodeMessage({ ...offer, [key]: null } as unknown as Offer)), key).toBeUndefined();
  }
  for (const key of Object.keys(delta)) {
    const { [key as keyof typeof delta]: _, ...rest } = delta;
    const partial = { ...offer, delta: rest } as unknown as Offer;
    expect(decodeOffer(encodeMessage(partial)), `delta.${key}`).toBeUndefined();
  }
});

test('reports of every stage are read back, and no others', () => {
  for (const report of [
    { stage: 'accepted' },
    { stage: 'written' },
    { stage: 'full-image', code: 'wrong-base', message: 'm' },
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
