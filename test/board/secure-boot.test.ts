import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { markValid } from '../../sim/board/ota.ts';
import { defaultBootloader } from '../../sim/board/provision.ts';
import { signImage } from '../../src/esp/secure-boot-v2.ts';
import { keyDigestOf } from '../../src/esp/signature-block.ts';
import { chip, imageOf, TestBoard } from './fixture.ts';

const [first, second] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey) as [
  KeyObject,
  KeyObject,
];

function securedBoard(images: readonly (Uint8Array | undefined)[], keys = [first]): TestBoard {
  const board = new TestBoard({ images, bootloader: signImage(defaultBootloader(chip), keys) });
  for (const [slot, key] of [first, second].entries())
    board.efuse.burnKeyDigest(slot as 0 | 1, keyDigestOf(createPublicKey(key)));
  board.efuse.enableSecureBoot();
  return board;
}

test('with secure boot on, only signed images boot and only signed updates are accepted', () => {
  const board = securedBoard([signImage(imageOf('1'), [first])]);
  expect(board.boot().slot).toBe('ota_0');
  expect(board.update(imageOf('2'))).toBe('ESP_ERR_OTA_VALIDATE_FAILED');
  board.boot();
  expect(board.update(signImage(imageOf('2'), [second]))).toBe('ok');
  expect(board.boot().slot).toBe('ota_1');
  expect(securedBoard([imageOf('1')]).boot().slot).toBeNull();
});

test('a signed bootloader is as needed as a signed app', () => {
  const board = securedBoard([signImage(imageOf('1'), [first])]);
  board.flash.eraseSector(chip.bootloaderOffset + 0x5000);
  expect(board.boot().passes.at(-1)?.failure).toBe('no-bootloader');
});

test('a revoked key opens nothing any more', () => {
  const board = securedBoard(
    [signImage(imageOf('1'), [first]), signImage(imageOf('2'), [second])],
    [first, second],
  );
  expect(board.boot().slot).toBe('ota_0');
  board.efuse.revokeKey(0);
  expect(board.boot().slot).toBe('ota_1');
});

test('aggressive revocation burns a key whose signature failed', () => {
  const forged = signImage(imageOf('2'), [second]);
  const block = forged.subarray(8192, 8192 + 1216);
  block[900] = (block[900] ?? 0) ^ 1;
  new DataView(block.buffer, block.byteOffset).setUint32(1196, crc32(block.subarray(0, 1196)), true);
  for (const aggressive of [false, true]) {
    const board = securedBoard([signImage(imageOf('1'), [first])]);
    if (aggressive) board.efuse.enableAggressiveRevoke();
    board.boot();
    markValid(board.running);
    board.flash.program(0x20000, forged);
    board.flash.eraseSector(0x10000);
    expect(board.boot().slot).toBeNull();
    expect([board.efuse.isRevoked(0), board.efuse.isRevoked(1)]).toEqual([false, aggressive]);
  }
});
