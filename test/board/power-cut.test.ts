import { expect, test } from 'vitest';
import { SECTOR_SIZE } from '../../sim/board/block-store.ts';
import { readBootTable } from '../../sim/board/boot-table.ts';
import { BOOT_COUNTER_BUILD, type BootloaderBuild, boot, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import { markValid, otaBegin, setBootPartition } from '../../sim/board/ota.ts';
import { readOtadata, writeOtadata } from '../../sim/board/otadata-store.ts';
import {
  type CutExperiment,
  type CutReport,
  type CutSubject,
  enumeratePowerCuts,
} from '../../sim/board/power-cuts.ts';
import { RtcMemory } from '../../sim/board/rtc-memory.ts';
import {
  nextUpdatePartition,
  type RunningApp,
  startApp,
  stateOfPartition,
} from '../../sim/board/running-app.ts';
import { judgeSlot, measureSlot } from '../../sim/board/slot-verdict.ts';
import { UpdateSlot } from '../../sim/board/update-slot.ts';
import { createDelta } from '../../src/delta/create-patch.ts';
import { deltaBaseOf } from '../../src/delta/delta-file.ts';
import { DELTA_FORMAT } from '../../src/device/messages.ts';
import {
  activeEntry,
  encodeOtadataEntry,
  makeOtadataEntry,
  OTA_STATES,
  type OtadataEntry,
  type OtaStateName,
  slotOfSequence,
} from '../../src/esp/otadata.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { imageOf, TestBoard } from './fixture.ts';

const IDENTITY = new TextEncoder().encode('identity of this very device, never to be lost');
const IMAGE_SIZE = 1024;
const image = (version: string, secureVersion: number) => imageOf(version, secureVersion, IMAGE_SIZE);
const [first, second, update] = [image('1', 1), image('2', 1), image('3', 2)];
const authentic = new Set(
  [first, second, update].map((one) => new TestBoard({ images: [one] }).boot().image?.measurement),
);

/** Writes an update as it should be done. */
function updateInOrder(app: RunningApp, granted: number | undefined): void {
  const partition = nextUpdatePartition(app);
  if (partition === undefined) throw new Error('no slot to update');
  const begun = otaBegin(app, partition, 'sequential');
  if (!begun.ok) throw new Error(begun.error);
  begun.value.write(update.subarray(0, 300));
  begun.value.write(update.subarray(300));
  if (!begun.value.end().ok) throw new Error('the update does not verify');
  setBootPartition(app, partition, granted);
}

const deltas = new Map<string, Uint8Array>();

/** Writes the update by a delta from what runs, as an application does it. */
function updateByDelta(app: RunningApp, granted: number | undefined): void {
  const { flash, efuse, partition } = app;
  const base = deltaBaseOf(flash.read(partition.offset, partition.size));
  if (base === undefined) throw new Error('nothing runs');
  const from = `sha256:${base.measurement}`;
  const bytes = deltas.get(from) ?? createDelta(base, update);
  deltas.set(from, bytes);
  const delta = { from, digest: digestOf(bytes), sizeBytes: bytes.length, format: DELTA_FORMAT };
  const offer = {
    session: 's1',
    application: 'thermo',
    version: '3',
    chip: 'esp32c3',
    sizeBytes: update.length,
    digest: digestOf(update),
    secureVersion: 2,
    bootsWithoutConfirm: granted ?? 1,
    delta,
  };
  const slots = new UpdateSlot(app, from, new RtcMemory(efuse.chip));
  const begun = slots.beginDelta(offer, delta);
  if ('code' in begun) throw new Error(begun.message);
  for (let at = 0; at < bytes.length; at += 256) {
    const taken = begun.intake.push(bytes.subarray(at, at + 256));
    if (typeof taken !== 'number') throw new Error(taken.message);
  }
  const made = begun.intake.finish();
  if (typeof made !== 'number') throw new Error(made.message);
  const switched = slots.finish(offer);
  if (typeof switched !== 'number') throw new Error(switched.message);
}

/** The same steps with otadata first: what must be caught. */
function updateOutOfOrder(app: RunningApp): void {
  const partition = nextUpdatePartition(app);
  const { otadata } = app.table;
  if (partition === undefined || otadata === undefined) throw new Error('no slot to update');
  const slot = app.table.ota.indexOf(partition);
  writeOtadata(app.flash, otadata, slot === 0 ? 0 : 1, makeOtadataEntry(slot + 101, 'NEW'));
  app.flash.eraseRange(partition.offset, SECTOR_SIZE);
  app.flash.program(partition.offset, update);
}

function experimentOf(
  start: TestBoard,
  build: BootloaderBuild,
  write: (app: RunningApp) => void,
): CutExperiment {
  const bootAs = (subject: CutSubject) => boot({ ...subject, build, resetReason: 'power-on' });
  const runningApp = (subject: CutSubject): RunningApp => {
    const app = startApp({ ...subject, build }, bootAs(subject));
    if (app === undefined) throw new Error('the board does not boot');
    return app;
  };
  return {
    start,
    act(subject) {
      const before = runningApp(subject);
      if (stateOfPartition(before, before.partition) === 'PENDING_VERIFY') markValid(before);
      write(before);
      markValid(runningApp(subject));
    },
    recover: bootAs,
    inspect(subject) {
      const table = readBootTable(subject.flash);
      if (table?.otadata === undefined) return 'the partition table is gone';
      const pair = readOtadata(subject.flash, table.otadata);
      const active = activeEntry(pair);
      if (active === undefined) return undefined;
      const named = table.ota[slotOfSequence(pair[active].sequence, table.otaCount)];
      const whole = named !== undefined && judgeSlot(subject.flash, subject.efuse, named).ok;
      return whole ? undefined : 'otadata vouches for an image that is not whole';
    },
    judge(subject) {
      for (let boots = 1; boots <= 3; boots++) {
        const outcome = bootAs(subject);
        if (outcome.partition === undefined) return `boot ${boots} after the cut finds nothing to run`;
        const measurement = measureSlot(subject.flash, subject.efuse, outcome.partition);
        if (!authentic.has(measurement)) return `boot ${boots} runs an image nobody made`;
        const level = outcome.image?.description?.secureVersion ?? -1;
        if (level < subject.efuse.secureVersion) return `boot ${boots} runs below the secure version`;
      }
      const identity = subject.flash.read(0x9000, IDENTITY.length);
      return Buffer.compare(identity, IDENTITY) === 0 ? undefined : 'the identity is gone';
    },
    goOn(subject) {
      this.act(subject);
      const version = bootAs(subject).image?.description?.version;
      return version === '3' ? undefined : `the update cannot be made up for: ${version} runs`;
    },
  };
}

const erased: OtadataEntry = { ...makeOtadataEntry(0xffffffff, 'UNDEFINED'), crc: 0xffffffff };
const entries: OtadataEntry[] = [erased];
for (const state of Object.keys(OTA_STATES) as OtaStateName[])
  for (const sequence of [1, 2]) entries.push(makeOtadataEntry(sequence, state));
entries.push(
  { ...makeOtadataEntry(3, 'VALID'), crc: 1 },
  { ...makeOtadataEntry(4, 'PENDING_VERIFY'), crc: 1 },
);

/** Every pair of entries, with an image in both slots. */
function enumerate(build: BootloaderBuild, write: (app: RunningApp) => void): CutReport {
  let cutPoints = 0;
  // All states for the bootloader most boards have; for the others each sector keeps to its own sequence numbers.
  const all = build === ESP_IDF_BUILD;
  for (const left of entries.filter(({ sequence }) => all || sequence !== 2))
    for (const right of entries.filter(({ sequence }) => all || sequence !== 1)) {
      const data = new Map([['nvs', IDENTITY]]);
      const board = new TestBoard({ images: [first, second], data, build });
      for (const [index, entry] of [left, right].entries())
        board.flash.program(0xd000 + index * SECTOR_SIZE, encodeOtadataEntry(entry));
      if (build.antiRollback) board.efuse.burnSecureVersion(1);
      const report = enumeratePowerCuts(experimentOf(board, build, write));
      cutPoints += report.cutPoints;
      if (report.failures.length > 0) return { cutPoints, failures: report.failures };
    }
  return { cutPoints, failures: [] };
}

const builds: readonly [string, BootloaderBuild, number | undefined][] = [
  ['as ESP-IDF', ESP_IDF_BUILD, undefined],
  ['with a boot counter', BOOT_COUNTER_BUILD, 3],
  ['with anti-rollback', { ...ESP_IDF_BUILD, antiRollback: true }, undefined],
  ['with rollback off', { ...ESP_IDF_BUILD, appRollback: false }, undefined],
];

test.each(builds)('no cut of power bricks an update from any otadata state: %s', (name, build, granted) => {
  const report = enumerate(build, (app) => updateInOrder(app, granted));
  expect(report.failures).toEqual([]);
  expect(report.cutPoints).toBeGreaterThan(3000);
  console.info(`${report.cutPoints} cut points, no brick (${name})`);
});

test.each(builds.slice(2))('nor does any cut brick an update by delta: %s', (name, build, granted) => {
  const report = enumerate(build, (app) => updateByDelta(app, granted));
  expect(report.failures).toEqual([]);
  expect(report.cutPoints).toBeGreaterThan(2000);
  console.info(`${report.cutPoints} cut points by delta, no brick (${name})`);
});

test('naming the new slot in otadata before its image is whole is caught', () => {
  const report = enumerate(ESP_IDF_BUILD, updateOutOfOrder);
  expect(report.failures[0]?.problem).toBe('otadata vouches for an image that is not whole');
});
