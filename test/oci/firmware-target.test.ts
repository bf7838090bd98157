import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import {
  type FirmwareTarget,
  platformOf,
  selectEntry,
  type TargetNeeds,
} from '../../src/oci/firmware-target.ts';
import type { ImageIndex } from '../../src/oci/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';

/** An index whose entries tell themselves apart by size. */
function indexOf(...entries: readonly [string, TargetNeeds][]): ImageIndex {
  const digest = digestOf(new Uint8Array(1));
  const manifests = entries.map(([chip, needs], size) => ({
    mediaType: OCI_MANIFEST,
    digest,
    size,
    platform: platformOf(chip, needs),
  }));
  return { kind: 'index', mediaType: OCI_INDEX, manifests };
}
const BATCHES = indexOf(
  ['esp32', { keyId: 'KEY1' }],
  ['esp32', { keyId: 'KEY2', flashSizeBytes: 4 << 20 }],
  ['esp32', { keyId: 'KEY2', flashSizeBytes: 8 << 20, chipRevisionMin: 300 }],
  ['esp32c3', { chipRevisionMin: 3, chipRevisionMax: 99 }],
);

test.each<[string, FirmwareTarget, number]>([
  ['by its key', { chip: 'esp32', keyIds: ['KEY1'], flashSizeBytes: 1 << 20, chipRevision: 100 }, 0],
  ['by its flash', { chip: 'esp32', keyIds: ['KEY2'], flashSizeBytes: 4 << 20, chipRevision: 300 }, 1],
  ['by asking for most', { chip: 'esp32', keyIds: ['KEY2'], flashSizeBytes: 16 << 20, chipRevision: 300 }, 2],
  ['by its revision', { chip: 'esp32', keyIds: ['KEY2'], flashSizeBytes: 16 << 20, chipRevision: 100 }, 1],
  ['alone for its chip, although nothing else is known', { chip: 'ESP32-C3' }, 3],
])('a board finds its entry %s', (_, target, size) => {
  expect(selectEntry(BATCHES, target).size).toBe(size);
});

describe('a board is never guessed at', () => {
  test.each<[string, FirmwareTarget, string, RegExp]>([
    ['when its key is not known', { chip: 'esp32' }, 'ambiguous-target', /flash-size, key-id/],
    [
      'when it trusts no key on offer',
      { chip: 'esp32', keyIds: ['KEY9'] },
      'no-image-for-chip',
      /key-id=KEY1/,
    ],
    ['when its silicon is too old', { chip: 'esp32c3', chipRevision: 2 }, 'no-image-for-chip', /min=3/],
    ['when its silicon is too new', { chip: 'esp32c3', chipRevision: 100 }, 'no-image-for-chip', /max=99/],
  ])('%s', (_, target, code, message) => {
    expect(() => selectEntry(BATCHES, target)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test('when two entries ask for the same', () => {
    expect(() => selectEntry(indexOf(['esp32', {}], ['esp32', {}]), { chip: 'esp32' })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  test('when an entry asks for something that only a later version knows', () => {
    const index = indexOf(['esp32', {}]);
    const [entry] = index.manifests;
    const strange = {
      ...entry,
      platform: { os: 'esp-idf', architecture: 'esp32', 'os.features': ['psram=8'] },
    };
    expect(() => selectEntry({ ...index, manifests: [strange as never] }, { chip: 'esp32' })).toThrow(
      expect.objectContaining({ code: 'no-image-for-chip' }),
    );
  });
});
