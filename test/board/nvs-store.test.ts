import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { FLASH_TIMES_MS, NorFlash } from '../../sim/board/nor-flash.ts';
import { NvsFullError, NvsStore } from '../../sim/board/nvs-store.ts';
import { type CutExperiment, type CutSubject, enumeratePowerCuts } from '../../sim/board/power-cuts.ts';
import { type NvsItem, parseNvs } from '../../src/esp/nvs.ts';
import { buildNvs } from '../../src/esp/nvs-build.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { chip } from './fixture.ts';

const store = new BlockStore();
const partition: Partition = {
  label: 'nvs',
  type: 1,
  subtype: 2,
  offset: 0x1000,
  size: 0x3000,
  encrypted: false,
  readOnly: false,
};

function blank(): CutSubject {
  return { flash: NorFlash.blank(store, 0x10000), efuse: new Efuse(chip, '7cdfa1000001') };
}
const made = new Map<string, Uint8Array>();
/** Bytes that depend on name and length only, made once. */
function contents(name: string, length: number): Uint8Array {
  const key = `${name}/${length}`;
  const bytes = made.get(key) ?? SeededRandom.ofSeed(1).split(name).bytes(length);
  made.set(key, bytes);
  return bytes;
}
const identity: readonly NvsItem[] = [
  { namespace: 'device', key: 'serial', type: 'string', value: 'BP-000001' },
  { namespace: 'device', key: 'key', type: 'blob', value: contents('key', 48) },
  { namespace: 'device', key: 'certificate', type: 'blob', value: contents('certificate', 300) },
];
const itemsIn = ({ flash }: CutSubject) => NvsStore.mount(flash, partition).items();
const byName = (items: readonly NvsItem[]) => [...items].sort((a, b) => (a.key < b.key ? -1 : 1));

test('what is set is there after any number of changes, and in the format everybody reads', () => {
  const setting = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    kind: fc.nat(2),
    seed: fc.nat(50),
    length: fc.nat(1500),
  });
  fc.assert(
    fc.property(fc.array(setting, { maxLength: 60 }), (settings) => {
      const subject = blank();
      const expected = new Map<string, NvsItem>();
      let nvs = NvsStore.mount(subject.flash, partition);
      for (const { key, kind, seed, length } of settings) {
        const blob = { type: 'blob', value: contents(String(seed), length) } as const;
        const value =
          kind === 0
            ? blob
            : kind === 1
              ? ({ type: 'u32', value: BigInt(seed) } as const)
              : ({ type: 'string', value: 'x'.repeat(seed) } as const);
        const item: NvsItem = { namespace: 'n', key, ...value };
        nvs.set(item);
        expected.set(key, item);
        if (seed % 7 === 0) nvs = NvsStore.mount(subject.flash, partition);
      }
      const parsed = parseNvs(subject.flash.read(partition.offset, partition.size));
      if (!parsed.ok) expect.fail(parsed.refusal.message);
      expect(byName(parsed.value.items)).toEqual(byName([...expected.values()]));
      expect(parsed.value.damaged).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a partition made by the generator is read, changed and read again', () => {
  const { flash } = blank();
  flash.program(partition.offset, buildNvs(identity, partition.size));
  const nvs = NvsStore.mount(flash, partition);
  expect(nvs.items()).toEqual(identity);
  nvs.set({ namespace: 'device', key: 'serial', type: 'string', value: 'BP-000002' });
  nvs.set({ namespace: 'wifi', key: 'channel', type: 'u8', value: 6n });
  expect(nvs.get('device', 'serial')).toMatchObject({ value: 'BP-000002' });
  expect(nvs.items().length).toBe(4);
});

test('storing takes the time of its flash commands, and what is there already takes none', () => {
  const { flash } = blank();
  const nvs = NvsStore.mount(flash, partition);
  const item = { namespace: 'device', key: 'serial', type: 'string', value: 'BP-000002' } as const;
  let commands = 0;
  flash.observe(() => commands++);
  expect(nvs.set(item)).toBeCloseTo(commands * FLASH_TIMES_MS.programPage);
  expect(nvs.set(item)).toBe(0);
});

test('a full store says so and loses nothing', () => {
  const { flash } = blank();
  const nvs = NvsStore.mount(flash, partition);
  for (const item of identity) nvs.set(item);
  const big: NvsItem = { namespace: 'n', key: 'big', type: 'blob', value: contents('big', 9000) };
  expect(() => nvs.set(big)).toThrow(NvsFullError);
  expect(NvsStore.mount(flash, partition).items()).toEqual(identity);
});

test('no cut of power in provisioning leaves a half value, and provisioning again completes it', () => {
  const provision = (subject: CutSubject) => {
    const nvs = NvsStore.mount(subject.flash, partition);
    for (const item of identity) nvs.set(item);
  };
  const experiment: CutExperiment = {
    start: blank(),
    act: provision,
    recover: itemsIn,
    judge(subject) {
      const held = itemsIn(subject);
      if (!isDeepStrictEqual(held, identity.slice(0, held.length)))
        return `holds ${held.map(({ key }) => key).join()}`;
      provision(subject);
      return itemsIn(subject).length === identity.length ? undefined : 'cannot be provisioned any more';
    },
  };
  const report = enumeratePowerCuts(experiment);
  expect(report.failures).toEqual([]);
  console.info(`${report.cutPoints} cut points in provisioning, no identity lost`);
});

/** Six logs fill a page, so that a page is cleared every few boots. */
const LOG_SIZE = 600;

/** One boot of an app that keeps a counter and a log. */
function live(subject: CutSubject, boots: number): void {
  const nvs = NvsStore.mount(subject.flash, partition);
  nvs.set({ namespace: 'app', key: 'boots', type: 'u32', value: BigInt(boots) });
  nvs.set({ namespace: 'app', key: 'log', type: 'blob', value: contents(`log${boots}`, LOG_SIZE) });
}

function judgeHeld(subject: CutSubject): { readonly problem: string } | { readonly boots: number } {
  const held = itemsIn(subject);
  const missing = identity.find((wanted) => !held.some((item) => isDeepStrictEqual(item, wanted)));
  if (missing !== undefined) return { problem: `${missing.key} is gone` };
  const boots = held.find(({ key }) => key === 'boots');
  const log = held.find(({ key }) => key === 'log');
  if (boots?.type !== 'u32' || log?.type !== 'blob') return { problem: 'a value is gone' };
  const possible = [boots.value, boots.value - 1n].map((at) => contents(`log${at}`, LOG_SIZE));
  if (!possible.some((one) => isDeepStrictEqual(one, log.value)))
    return { problem: 'the log is neither the old nor the new one' };
  return { boots: Number(boots.value) };
}

test('no cut of power while pages are cleared costs the identity, the last value or the room to go on', () => {
  const start = blank();
  const nvs = NvsStore.mount(start.flash, partition);
  for (const item of identity) nvs.set(item);
  let boots = 0;
  const clearsPage = () => {
    const next = { flash: start.flash.fork(), efuse: start.efuse };
    live(next, boots + 1);
    return next.flash.worstEraseCount > 0;
  };
  while (!clearsPage()) live(start, ++boots);
  const experiment: CutExperiment = {
    start,
    act: (subject) => live(subject, boots + 1),
    recover: itemsIn,
    judge(subject) {
      const held = judgeHeld(subject);
      return 'problem' in held ? held.problem : undefined;
    },
    goOn(subject) {
      const held = judgeHeld(subject);
      if ('problem' in held) return held.problem;
      for (let more = 1; more <= 8; more++) live(subject, held.boots + more);
      const later = judgeHeld(subject);
      return 'problem' in later ? `later, ${later.problem}` : undefined;
    },
  };
  const report = enumeratePowerCuts(experiment);
  expect(report.failures).toEqual([]);
  console.info(`${report.cutPoints} cut points in writing, no identity lost`);
});
