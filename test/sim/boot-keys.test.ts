import { createHash, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { bootKey, signForBoard } from '../../sim/boot-keys.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { checkBlock, readSignatureBlocks } from '../../src/esp/secure-boot-v2.ts';
import { keyDigestOf } from '../../src/esp/signature-block.ts';

const image = new Uint8Array(9_000).fill(0x5a);

test.each([
  ['esp32', 'rsa-3072'],
  ['esp32c2', 'ecdsa-p256'],
] as const)(
  'on an %s a name is one %s key, and signing twice gives the same bytes, which hold',
  (chip, scheme) => {
    const signed = signForBoard(image, CHIPS[chip], ['release']);
    const [block] = readSignatureBlocks(signed);
    expect(block?.scheme).toBe(scheme);
    expect(block && checkBlock(block, signed.subarray(0, 12_288))).toBeUndefined();
    expect(block?.keyDigest).toBe(keyDigestOf(createPublicKey(bootKey('release', CHIPS[chip]))));
    expect(signForBoard(image, CHIPS[chip], ['release'])).toEqual(signed);
    expect(block?.keyDigest).not.toBe(keyDigestOf(createPublicKey(bootKey('stranger', CHIPS[chip]))));
  },
);

test('a key is the same in every process: its digest is recorded', () => {
  const digest = keyDigestOf(createPublicKey(bootKey('release', CHIPS.esp32)));
  expect(digest).toBe('f91633cd4ead09cf9b0c3a52a7f214b2f08f4d2bebcf0ee14dd0d7e6a3eac3b9');
  expect(
    createHash('sha256')
      .update(signForBoard(image, CHIPS.esp32, ['release']))
      .digest('hex'),
  ).toBe('4073fee07ab42c89792f867c1a1179fe9de03efb11afc82dc904814b635a62e5');
});
