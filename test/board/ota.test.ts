import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SECTOR_SIZE } from '../../sim/board/block-store.ts';
import { markValid, otaBegin, otaResume, setBootPartition } from '../../sim/board/ota.ts';
import { nextUpdatePartition, stateOfPartition } from '../../sim/board/running-app.ts';
import { measureSlot } from '../../sim/board/slot-verdict.ts';
import { FACTORY_TWO_OTA, imageOf, TestBoard } from './fixture.ts';

function booted(board = new TestBoard()) {
  board.boot();
  const partition = nextUpdatePartition(board.running);
  if (partition === undefined) throw new Error('no slot to update');
  return { board, app: board.running, partition };
}

test('the running slot, an update in progress, and any update before confirmation are refused', () => {
  const { board, app, partition } = booted();
  expect(otaBegin(app, app.partition, 'unknown')).toMatchObject({ error: 'ESP_ERR_OTA_PARTITION_CONFLICT' });
  expect(otaBegin(app, partition, 'unknown').ok).toBe(true);
  expect(otaBegin(app, partition, 'unknown')).toMatchObject({ error: 'ESP_ERR_OTA_ALREADY_IN_PROGRESS' });
  board.boot();
  expect(board.update(imageOf('2'))).toBe('ok');
  board.boot();
  expect(stateOfPartition(board.running, board.running.partition)).toBe('PENDING_VERIFY');
  expect(board.update(imageOf('3'))).toBe('ESP_ERR_OTA_ROLLBACK_INVALID_STATE');
});

test('what is not an app, or not a whole one, is refused and never chosen', () => {
  const { board, app, partition } = booted();
  expect(board.update(new Uint8Array(100))).toBe('ESP_ERR_OTA_VALIDATE_FAILED');
  board.boot();
  expect(board.update(imageOf('2').subarray(0, 4000))).toBe('ESP_ERR_OTA_VALIDATE_FAILED');
  expect(setBootPartition(app, partition)).toMatchObject({ error: 'ESP_ERR_OTA_VALIDATE_FAILED' });
  board.boot();
  expect(board.update(imageOf('big', 0, 70_000), 'sequential')).toBe('ESP_ERR_INVALID_SIZE');
  expect(board.boot().slot).toBe('ota_0');
});

test('begin erases the otadata entry that is not in force', () => {
  const { board } = booted();
  board.update(imageOf('2'));
  board.boot();
  markValid(board.running);
  expect(board.otadata).toEqual(['1 VALID', '2 VALID']);
  const partition = nextUpdatePartition(board.running);
  if (partition !== undefined) otaBegin(board.running, partition, 'sequential');
  expect(board.otadata).toEqual(['erased', '2 VALID']);
});

test('a sequential update erases each sector once, just before it is written', () => {
  const { app, board, partition } = booted();
  const begun = otaBegin(app, partition, 'sequential');
  if (!begun.ok) expect.fail(begun.error);
  const image = imageOf('2', 0, 20_000);
  board.flash.program(partition.offset, new Uint8Array(partition.size));
  for (let at = 0; at < image.length; at += 1500) begun.value.write(image.subarray(at, at + 1500));
  expect(begun.value.end().ok).toBe(true);
  expect(
    [0, 1, 4, 5].map((sector) => board.flash.eraseCount(partition.offset + sector * SECTOR_SIZE)),
  ).toEqual([1, 1, 1, 0]);
});

test('an update goes on after a reset from the last whole sector', () => {
  const { board, app, partition } = booted();
  const image = imageOf('2', 0, 20_000);
  const begun = otaBegin(app, partition, 'sequential');
  if (begun.ok) begun.value.write(image.subarray(0, 10_000));
  board.boot();
  const resumed = otaResume(board.running, partition, 2 * SECTOR_SIZE, 'sequential');
  if (!resumed.ok) expect.fail(resumed.error);
  resumed.value.write(image.subarray(2 * SECTOR_SIZE));
  expect(resumed.value.end().ok).toBe(true);
  expect(setBootPartition(board.running, partition).ok).toBe(true);
  expect(board.boot().image?.description?.version).toBe('2');
  expect(measureSlot(board.flash, board.efuse, partition)).toBe(
    createHash('sha256').update(image).digest('hex'),
  );
});

test('choosing factory erases otadata', () => {
  const data = new Map([['factory', imageOf('f')]]);
  const { app, board } = booted(new TestBoard({ csv: FACTORY_TWO_OTA, data, confirmedSlot: 0 }));
  if (app.table.factory !== undefined) expect(setBootPartition(app, app.table.factory).ok).toBe(true);
  expect(board.otadata).toEqual(['erased', 'erased']);
  expect(board.boot().slot).toBe('factory');
  expect(markValid(board.running)).toMatchObject({ error: 'ESP_FAIL' });
});
