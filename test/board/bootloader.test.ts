import { expect, test } from 'vitest';
import { BOOT_COUNTER_BUILD, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import { markInvalid, markValid } from '../../sim/board/ota.ts';
import { FACTORY_TWO_OTA, imageOf, TestBoard } from './fixture.ts';

const versionOf = (board: TestBoard) => board.boot().image?.description?.version;

test('an unconfirmed update is given one boot, then the old image runs again', () => {
  const board = new TestBoard();
  expect(board.boot().slot).toBe('ota_0');
  expect(board.update(imageOf('2'))).toBe('ok');
  expect(board.boot().slot).toBe('ota_1');
  expect(board.otadata).toEqual(['1 VALID', '2 PENDING_VERIFY']);
  expect(board.boot().slot).toBe('ota_0');
  expect(board.otadata).toEqual(['1 VALID', '2 ABORTED']);
});

test('a confirmed update stays, and the next one goes to the other slot', () => {
  const board = new TestBoard();
  board.boot();
  board.update(imageOf('2'));
  board.boot();
  expect(markValid(board.running).ok).toBe(true);
  expect([board.boot().slot, board.boot().slot]).toEqual(['ota_1', 'ota_1']);
  expect(board.update(imageOf('3'))).toBe('ok');
  expect(versionOf(board)).toBe('3');
  expect(board.otadata).toEqual(['3 PENDING_VERIFY', '2 VALID']);
});

test('an app that declares itself bad is left at once', () => {
  const board = new TestBoard();
  board.boot();
  board.update(imageOf('2'));
  board.boot();
  expect(markInvalid(board.running).ok).toBe(true);
  expect(board.boot().slot).toBe('ota_0');
  expect(board.otadata).toEqual(['1 VALID', '2 INVALID']);
  expect(markInvalid(board.running)).toMatchObject({ error: 'ESP_ERR_OTA_ROLLBACK_FAILED' });
});

test('a boot counter grants as many boots as it says, then gives up', () => {
  for (const granted of [1, 2, 5, 136]) {
    const board = new TestBoard({ build: BOOT_COUNTER_BUILD });
    board.boot();
    expect(board.update(imageOf('2'), 'sequential', granted)).toBe('ok');
    for (let boots = 1; boots <= granted; boots++)
      expect(board.boot().slot, `boot ${boots} of ${granted}`).toBe('ota_1');
    expect(board.boot().slot).toBe('ota_0');
    expect(board.otadata).toEqual(['1 VALID', '2 ABORTED']);
  }
});

test('a boot counter erases nothing after the first boot, and confirming stops it', () => {
  const board = new TestBoard({ build: BOOT_COUNTER_BUILD });
  board.boot();
  board.update(imageOf('2'), 'sequential', 3);
  board.boot();
  const erases = board.flash.worstEraseCount;
  board.boot();
  expect(board.flash.worstEraseCount).toBe(erases);
  markValid(board.running);
  for (let boots = 0; boots < 10; boots++) expect(board.boot().slot).toBe('ota_1');
});

test('an ordinary update behind a counted one does not inherit its counter', () => {
  const board = new TestBoard({ build: BOOT_COUNTER_BUILD });
  board.boot();
  board.update(imageOf('2'), 'sequential', 5);
  board.boot();
  markValid(board.running);
  board.update(imageOf('3'));
  board.boot();
  markValid(board.running);
  board.update(imageOf('4'));
  expect([versionOf(board), versionOf(board)]).toEqual(['4', '3']);
});

test('the plain bootloader does not know the counter', () => {
  const board = new TestBoard();
  board.boot();
  board.update(imageOf('2'), 'sequential', 5);
  expect([board.boot().slot, board.boot().slot]).toEqual(['ota_1', 'ota_0']);
});

test('with rollback off an update is never given up', () => {
  const board = new TestBoard({ build: { ...ESP_IDF_BUILD, appRollback: false } });
  board.boot();
  board.update(imageOf('2'));
  expect([board.boot().slot, board.boot().slot, board.boot().slot]).toEqual(['ota_1', 'ota_1', 'ota_1']);
  expect(board.otadata).toEqual(['1 VALID', '2 UNDEFINED']);
});

test('a damaged slot is skipped: down to factory first, then up, then the test app', () => {
  const bad = imageOf('bad');
  bad[3000] = (bad[3000] ?? 0) ^ 1;
  const place = (
    factory: Uint8Array | undefined,
    images: (Uint8Array | undefined)[],
    testApp?: Uint8Array,
  ) => {
    const data = new Map<string, Uint8Array>();
    if (factory !== undefined) data.set('factory', factory);
    if (testApp !== undefined) data.set('test', testApp);
    return new TestBoard({ csv: FACTORY_TWO_OTA, images, data, confirmedSlot: 1 });
  };
  expect(place(imageOf('f'), [imageOf('0'), imageOf('1')]).boot().slot).toBe('ota_1');
  expect(place(imageOf('f'), [imageOf('0'), bad]).boot().slot).toBe('ota_0');
  expect(place(imageOf('f'), [bad, bad]).boot().slot).toBe('factory');
  expect(place(bad, [bad, undefined], imageOf('t')).boot().slot).toBe('test');
  const dead = place(bad, [bad, bad], bad).boot();
  expect([dead.slot, dead.passes.at(-1)?.failure]).toEqual([null, 'no-bootable-app']);
});

test('held pins start the test app, or erase what the build lists', () => {
  const factoryReset = { eraseLabels: ['nvs'], eraseOtadata: true };
  const data = new Map([
    ['factory', imageOf('f')],
    ['test', imageOf('t')],
    ['nvs', Uint8Array.of(1, 2, 3)],
  ]);
  const build = { ...ESP_IDF_BUILD, factoryReset, appTest: true };
  const board = new TestBoard({
    csv: FACTORY_TWO_OTA,
    images: [imageOf('0')],
    data,
    build,
    confirmedSlot: 0,
  });
  expect(board.boot().slot).toBe('ota_0');
  expect(board.boot({ appTest: true }).slot).toBe('test');
  expect(board.boot({ factoryReset: true }).slot).toBe('factory');
  expect(board.otadata).toEqual(['erased', 'erased']);
  expect(board.flash.read(0x9000, 3)).toEqual(Uint8Array.of(255, 255, 255));
});

test('anti-rollback raises the counter on confirmation and never boots or accepts less', () => {
  const build = { ...ESP_IDF_BUILD, antiRollback: true };
  const board = new TestBoard({ build, images: [imageOf('1', 1)] });
  expect(board.boot().slot).toBe('ota_0');
  expect(board.efuse.secureVersion).toBe(1);
  expect(board.update(imageOf('2', 3))).toBe('ok');
  board.boot();
  expect(board.efuse.secureVersion).toBe(1);
  markValid(board.running);
  expect(board.efuse.secureVersion).toBe(3);
  expect(board.update(imageOf('old', 2))).toBe('ESP_ERR_OTA_SMALL_SEC_VER');
  expect(board.boot().slot).toBe('ota_1');
  // Nothing left but images below the counter: the chip stops rather than go back.
  board.flash.eraseRange(0x20000, 0x10000);
  board.flash.program(0x10000, imageOf('1', 1));
  expect(board.boot().slot).toBeNull();
});

test('a chip without bootloader or partition table resets for ever and says so', () => {
  const blank = new TestBoard();
  blank.flash.eraseSector(0);
  expect(blank.boot().passes.at(-1)?.failure).toBe('no-bootloader');
  const tableless = new TestBoard();
  tableless.flash.eraseSector(0x8000);
  expect(tableless.boot().passes.at(-1)?.failure).toBe('bad-partition-table');
});
